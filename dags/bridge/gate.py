"""Waiting before a gate, in the triggerer: for an answer, or for whatever else decides the question."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from dags.bridge import reminder
from dags.bridge.connection import lend_in_triggerer
from lakehouse.errors import PlatformError

if TYPE_CHECKING:
    from lakehouse.settings import LakeSettings

SETTLE_SECONDS = 3.0
"""How long an answer is not looked for, while the worker that asked is still ending."""


class GateTrigger(BaseTrigger):
    """Ends once the version is no longer open before the gate, the shown table has it, or somebody has answered.

    `asked` is the task instance whose form is answered, and none while the `shown` table is waited for.
    """

    def __init__(  # what a trigger is made again from
        self,
        *,
        model: str,
        alias: str,
        version: int,
        shown: str | None,
        asked: str | None,
        since: str,
        poll_seconds: float,
        remind_seconds: float,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model, self.alias, self.version, self.shown, self.asked = model, alias, version, shown, asked
        self.since, self.poll_seconds, self.remind_seconds = since, poll_seconds, remind_seconds

    def serialize(self) -> tuple[str, dict[str, object]]:
        """How the triggerer makes it again."""
        own = {
            "model": self.model,
            "alias": self.alias,
            "version": self.version,
            "shown": self.shown,
            "asked": self.asked,
            "since": self.since,
            "poll_seconds": self.poll_seconds,
            "remind_seconds": self.remind_seconds,
        }
        return "dags.bridge.gate.GateTrigger", own

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: what was seen. A store or registry that is away is asked again."""
        settings = await lend_in_triggerer()
        since, reminded = datetime.fromisoformat(self.since), time.monotonic()
        await asyncio.sleep(SETTLE_SECONDS)
        if self.asked is not None:
            await asyncio.to_thread(reminder.waits, self.model, self.alias, self.version, since)
        while True:
            seen = await self._answer() or await asyncio.to_thread(self._seen, settings)
            if seen is not None:
                yield TriggerEvent(seen)
                return
            if time.monotonic() - reminded >= self.remind_seconds:
                reminded = time.monotonic()
                await asyncio.to_thread(reminder.waits, self.model, self.alias, self.version, since)
                self.log.warning(
                    "version %s of %s waits to become %s since %s", self.version, self.model, self.alias, self.since
                )
            await asyncio.sleep(self.poll_seconds)

    async def _answer(self) -> Mapping[str, Any] | None:
        """What a person has answered while the worker that asked was still ending; later ones wake the task themselves."""
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail
        from asgiref.sync import sync_to_async

        if self.asked is None:
            return None
        try:
            told = await sync_to_async(get_hitl_detail_content_detail)(ti_id=self.asked)  # type: ignore[arg-type]
        except (AirflowRuntimeError, OSError) as error:
            self.log.warning("Airflow does not tell of the answer, so it is asked again: %s", error)
            return None
        if not (told.response_received and told.chosen_options):
            return None
        by = told.responded_by_user
        return {
            "chosen_options": list(told.chosen_options),
            "params_input": dict(told.params_input or {}),
            "responded_at": (told.responded_at or datetime.now(UTC)).isoformat(),
            "responded_by_user": None if by is None else {"id": by.id, "name": by.name},
        }

    def _seen(self, settings: "LakeSettings") -> dict[str, object] | None:
        from assets.gate import Gate
        from lakehouse.lake import Lake
        from registry.settings import RegistrySettings

        try:
            gate = Gate.of(self.model.split(".")[1], RegistrySettings.from_env(), Lake(settings))
            standing = gate.standing(self.alias, self.version)
            if standing != "open":
                return {"standing": standing}
            if self.shown is None or self.asked is not None:
                return None
            shown = gate.predicted(self.shown, self.version)
            return None if shown is None else {"shown": shown}
        except PlatformError as error:
            self.log.warning("it cannot be seen how the question stands, so it is looked at again: %s", error)
            return None
