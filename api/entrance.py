"""What stands between the network and the routes: everything of it is off, and costs nothing, until a setting wants it."""

import os
from dataclasses import dataclass
from logging import Logger
from pathlib import Path
from typing import Self

from fastapi import FastAPI

from api.access import AccessLog
from api.door.door import Door
from api.door.settings import DoorSettings
from api.envelope import Envelope
from api.guard import Guard
from api.orders import Orders
from api.routes import admin
from api.settings import ApiSettings
from api.traced import Traced
from observability.log import access_log
from observability.tracing import Traces, wants_traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Who may come in, what is written down of requests, and whether operators may steer the server from outside."""

    door: Door | None = None
    access: Logger | None = None
    orders: Orders | None = None
    traces: Traces | None = None
    is_tls: bool = False

    @classmethod
    def of(cls, settings: ApiSettings, door: DoorSettings, folder: Path) -> Self:
        """What the settings want, for a worker of the server whose folder this is."""
        found = Door.of(door, folder / "buckets")
        return cls(
            door=found,
            access=access_log() if settings.access_log else None,
            # Without a token for operators there are none.
            orders=Orders(folder) if found is not None and found.admin.are_wanted else None,
            traces=Traces() if wants_traces(os.environ) else None,
            is_tls=door.is_tls,
        )

    def guard(self, app: FastAPI) -> None:
        """Puts the door right before the routes; what comes later is around it."""
        if self.door is not None:
            app.add_middleware(Guard, door=self.door)
        if self.orders is not None:
            app.state.orders = self.orders
            app.include_router(admin.router)

    def surround(self, app: FastAPI) -> None:
        """Puts what is around everything."""
        if self.traces is not None:
            app.add_middleware(Traced, traces=self.traces, routes=app.routes)
        if self.access is not None:
            app.add_middleware(AccessLog, log=self.access)
        app.add_middleware(Envelope, is_tls=self.is_tls)
