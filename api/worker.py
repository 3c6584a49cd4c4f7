"""`python -m api.worker PIPE FOLDER SLOT SOCKET`: one process that answers requests, on a socket it was handed."""

import importlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TypedDict

import uvicorn

from api.app import Background, create_app
from api.beside import Beside
from api.canary import Variant
from api.counted import CountAnswers
from api.door.settings import DoorSettings
from api.door.tls import Certificates
from api.drain import CloseWhileDraining, DrainWhenOrdered
from api.entrance import Entrance
from api.hint.bell import Bell
from api.hint.hints import Hints
from api.hint.settings import HintSettings
from api.log.account import spool_now
from api.log.settings import LogSettings
from api.log.spool import Spool
from api.parent import when_parent_ends
from api.routes.webhook import hear
from api.run import METRICS, SEATS
from api.seats import read_seats, write_seat
from api.server import GRACE_SECONDS
from api.serving import Serving
from api.settings import ApiSettings
from api.shelf import Shelf
from api.turn import Turn
from api.watch import Watcher
from lakehouse.errors import PlatformError
from observability.log import start_log
from observability.metrics import Now, ServedModel, shared_metrics

_log = logging.getLogger(__name__)


class _Tls(TypedDict, total=False):
    ssl_certfile: Path
    ssl_keyfile: Path
    ssl_ca_certs: Path | None
    ssl_cert_reqs: int


class _Server(uvicorn.Server):
    """On SIGTERM says "not ready" for the time a load balancer needs to notice, and only then stops to listen."""

    def __init__(self, config: uvicorn.Config, serving: Serving, drain_seconds: float) -> None:
        super().__init__(config)
        self._serving, self._drain_seconds = serving, drain_seconds
        self._ends_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first SIGTERM drains; a second signal, or Ctrl-C, ends at once; requests in flight are answered first."""
        self._serving.is_ending = self._serving.is_draining = True
        if self._ends_at is None and sig == signal.SIGTERM:
            self._ends_at = time.monotonic() + self._drain_seconds
            return
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to stop."""
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)


class _Beside:
    """All that runs beside the requests."""

    def __init__(self, parts: Sequence[Background]) -> None:
        self._parts = parts

    def start(self) -> None:
        for part in self._parts:
            part.start()

    def stop(self) -> None:
        for part in self._parts:
            part.stop()


def work(settings: ApiSettings, folder: Path, slot: int, listener: socket.socket) -> None:
    """Answers until a signal ends it; the model of the last time is loaded before the first request is taken."""
    _load_xgboost_alone()
    serving = Serving(
        share=settings.serve_canary,
        shadow=settings.serve_shadow,
        seats=partial(read_seats, folder / SEATS),
        draw=Turn().draw,
    )
    logged = LogSettings.from_env()
    metrics = shared_metrics(folder / METRICS, slot, partial(_now, settings, serving, logged))
    watcher = Watcher(
        serving,
        Shelf(settings.folder),
        _files(settings),
        metrics=metrics.models,
        tell=partial(write_seat, folder / SEATS, slot),
        run=folder,
    )
    watcher.restore()
    spool = Spool(logged, metrics.spool) if logged.predictions else None
    compared = Beside(serving, metrics.models.trial, slower=settings.serve_canary_slower)
    recorder = CountAnswers(metrics.models, spool, compared)
    door = DoorSettings.from_env()
    entrance = Entrance.of(settings, door, folder)
    orders = DrainWhenOrdered(serving, entrance.orders) if entrance.orders else None
    beside = _Beside([part for part in (watcher, compared, spool, orders, entrance.traces) if part])
    app = create_app(settings, serving, background=beside, counted=metrics, recorder=recorder, entrance=entrance)
    if secrets := HintSettings.from_env().secrets:
        hear(app, Hints(secrets=secrets, model=settings.serve_model, bell=Bell(folder)))
    config = uvicorn.Config(
        CloseWhileDraining(app, serving),
        **_tls(door),
        # Only uvicorn's own variable says which proxies are believed about who a client is.
        proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
        http="httptools",
        loop="uvloop",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, serving, settings.serve_drain_seconds).run(sockets=[listener])


def _tls(door: DoorSettings) -> _Tls:
    found = Certificates.of(door)
    if found is None:
        return {}
    return {
        "ssl_certfile": found.cert,
        "ssl_keyfile": found.key,
        "ssl_ca_certs": found.client_ca,
        "ssl_cert_reqs": found.clients,
    }


def _files(settings: ApiSettings) -> Mapping[Variant, tuple[str, Path]]:
    followed: dict[Variant, str] = {"production": settings.serve_alias, "canary": settings.serve_canary_alias}
    return {variant: (alias, settings.placed(alias)) for variant, alias in followed.items()}


def _now(settings: ApiSettings, serving: Serving, logged: LogSettings) -> Now:
    """What is told of the moment when somebody asks for the metrics."""
    seats = serving.seats()
    return Now(
        workers=len(seats),
        registry_answers=serving.placed["production"].registry is None,
        canary_share=serving.share if serving.canary else 0.0,
        spool=spool_now(logged) if logged.predictions else None,
        shadow_share=serving.shadow if serving.canary else 0.0,
        ended=frozenset((settings.serve_model, end.target.version) for end in serving.ruling.ended),
        models=frozenset(
            ServedModel(
                model=found.model, version=found.version, run_id=found.run_id, inputs=found.inputs, variant=variant
            )
            for seat in seats
            for variant, found in seat.answering.items()
        ),
    )


def _load_xgboost_alone() -> None:
    """Loads XGBoost without the wrappers for scikit-learn, which serving has no use for.

    XGBoost 3.2 takes scikit-learn with it wherever it is installed: 3.8 seconds and 100 MiB, against 0.8 without.
    """
    if "xgboost" in sys.modules or "sklearn" in sys.modules:
        return
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # makes its import fail, as if it were not installed
    try:
        importlib.import_module("xgboost")
    finally:
        del sys.modules["sklearn"]


def _end_with_parent() -> None:
    _log.error("the supervisor is gone; this worker ends")
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_SECONDS + 5)
    os._exit(1)


def main(arguments: list[str]) -> None:
    """Works with what the supervisor handed over."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # before there is a server, a signal just ends the process
    pipe, folder, slot, number = arguments
    when_parent_ends(int(pipe), _end_with_parent)
    try:
        settings = ApiSettings.from_env()
        start_log(style=settings.log_format)
        work(settings, Path(folder), int(slot), socket.socket(fileno=int(number)))
    except PlatformError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
