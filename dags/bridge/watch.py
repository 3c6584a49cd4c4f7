"""Watching what others write, in the triggerer: an event for each new thing, at least once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time.context import AssetStateStoreAccessor
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from dags.bridge.connection import lend_in_triggerer
from dags.bridge.look import FolderLook, Look, Plain, TableLook
from lakehouse.errors import PlatformError
from lakehouse.table import Location

PLACE = "lakeline.watched"
"""Under this name a watcher keeps, with the asset, up to where it has seen all."""

WRITTEN_SECONDS = 5.0
"""So long after an event was sent Airflow has written it down: only then is the place behind it kept."""

LONGEST_SECONDS = 300.0
"""After errors in a row no look is further away than this, or than the usual pause where that is longer."""

_MAY_PASS = (PlatformError, AirflowRuntimeError, OSError)

Sleep = Callable[[float], Awaitable[None]]
Tell = Callable[[str], None]


class Store(Protocol):
    """Where a place is kept beyond the life of a process."""

    async def aget(self, key: str, default: None = None) -> object:
        """What was kept under a name."""
        ...

    async def aset(self, key: str, value: Plain) -> None:
        """Keeps something under a name."""
        ...


class NewsTrigger(BaseEventTrigger):
    """Fires for what others wrote to an external: at `place` there is a Delta table, or files under the `pattern`.

    The key is part of what it is made from, so that no two externals share one.
    """

    def __init__(self, *, key: str, place: str, pattern: str | None, poll_seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.key, self.place, self.pattern, self.poll_seconds = key, place, pattern, poll_seconds

    def serialize(self) -> tuple[str, dict[str, object]]:
        """How the triggerer makes it again."""
        own: dict[str, object] = {
            "key": self.key,
            "place": self.place,
            "pattern": self.pattern,
            "poll_seconds": self.poll_seconds,
        }
        return "dags.bridge.watch.NewsTrigger", own

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """An event for each look that found something new; never ends."""
        settings = await lend_in_triggerer()
        look: Look = TableLook(settings, Location(uri=self.place))
        if self.pattern is not None:
            look = FolderLook(Path(self.place), self.pattern)
        store = AssetStateStoreAccessor(name=self.key)
        found = watch(look, store, self.poll_seconds, lambda line: self.log.warning("%s: %s", self.key, line))
        async with aclosing(found) as all_news:
            async for news in all_news:
                yield TriggerEvent(news)


async def watch(
    look: Look, store: Store, poll_seconds: float, tell: Tell, sleep: Sleep = asyncio.sleep
) -> AsyncGenerator[Plain, None]:
    """The news of each look, for ever. What was told and not yet kept when the process ends is told again by the next.

    An error of what is looked at or of the store is told, and makes the pause longer until it has passed.
    """
    place: object = None
    kept: object = None
    is_read, failures = False, 0
    while True:
        waited = 0.0
        try:
            if not is_read:
                place = kept = await store.aget(PLACE)
                is_read = True
            sight = await asyncio.to_thread(look, place)
            place = sight.place
            if sight.news is not None:
                yield sight.news
                await sleep(WRITTEN_SECONDS)
                waited = WRITTEN_SECONDS
            if place != kept:
                await store.aset(PLACE, sight.place)
                kept = place
            if failures:
                tell(f"all is well again after {failures} errors")
            failures = 0
        except _MAY_PASS as error:
            failures, waited = failures + 1, 0.0
            tell(f"{_what_failed(error)}; the next look is in {pause(poll_seconds, failures):.0f} seconds")
        await sleep(max(pause(poll_seconds, failures) - waited, 0))


def pause(poll_seconds: float, failures: int) -> float:
    """How long until the next look: twice as long after each further error in a row, up to a limit.

    >>> [pause(30, failures) for failures in range(6)]
    [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]
    """
    return min(poll_seconds * 2.0 ** min(failures, 20), max(poll_seconds, LONGEST_SECONDS))


def _what_failed(error: Exception) -> str:
    what = "it cannot be looked at" if isinstance(error, PlatformError) else "Airflow does not keep its place"
    return f"{what}: {error}"
