"""Waiting for an alias in the triggerer: one small question to MLflow each time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from airflow.triggers.base import BaseTrigger, TriggerEvent

from dags.bridge.connection import lend_in_triggerer
from lakehouse.errors import PlatformError


class AliasTrigger(BaseTrigger):
    """Ends once a version of a model has an alias, or the old stage before it, or when the deadline has passed.

    It looks first and at the deadline too, however late it begins.
    """

    def __init__(self, *, model: str, alias: str, poll_seconds: float, deadline: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model, self.alias, self.poll_seconds, self.deadline = model, alias, poll_seconds, deadline

    def serialize(self) -> tuple[str, dict[str, object]]:
        """How the triggerer makes it again."""
        own = {"model": self.model, "alias": self.alias, "poll_seconds": self.poll_seconds, "deadline": self.deadline}
        return "dags.bridge.wait.AliasTrigger", own

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: the version, or why there is none by the deadline. An MLflow that is away is asked again."""
        await lend_in_triggerer()
        deadline = datetime.fromisoformat(self.deadline)
        while True:
            seen = await asyncio.to_thread(self._look)
            left = (deadline - datetime.now(UTC)).total_seconds()
            if "version" in seen or left <= 0:
                yield TriggerEvent(seen)
                return
            await asyncio.sleep(min(self.poll_seconds, left))

    def _look(self) -> dict[str, int | str]:
        """The version that has the alias, or why that could not be seen, or neither."""
        from registry.aliases import STAGES, read_model
        from registry.settings import RegistrySettings

        try:
            shown = read_model(RegistrySettings.from_env(), self.model.split(".", maxsplit=1)[1])
        except PlatformError as error:
            self.log.warning("MLflow does not answer, so it is asked again: %s", error)
            return {"unseen": str(error)}
        if shown is None:
            return {}
        stage = next((stage for stage, alias in STAGES.items() if alias == self.alias), "")
        version = shown.aliases.get(self.alias) or shown.stages.get(stage)
        return {} if version is None else {"version": version}
