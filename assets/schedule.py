"""Which assets may be made now. Decides only; the threads are elsewhere."""

import heapq
from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter


class Schedule:
    """Opens an asset once all that it waits for has ended, and starts what is queued while there is a place.

    Keys are in the order of `waits_for`, whatever ended first. Of those that are `alone`, one is made at a time.
    """

    def __init__(self, waits_for: Mapping[str, Collection[str]], jobs: int, alone: Collection[str] = ()) -> None:
        self._place = {key: place for place, key in enumerate(waits_for)}
        self._keys = tuple(waits_for)
        self._jobs, self._alone = jobs, frozenset(alone)
        self._queues: dict[bool, list[int]] = {False: [], True: []}  # by whether a key is made alone
        self._running: set[str] = set()
        self._sorter = TopologicalSorter(
            {key: [other for other in others if other in self._place] for key, others in waits_for.items()}
        )
        self._sorter.prepare()

    @property
    def is_over(self) -> bool:
        """Whether every key has ended."""
        return not self._sorter.is_active()

    @property
    def running(self) -> tuple[str, ...]:
        """What has started and not ended."""
        return tuple(sorted(self._running, key=self._place.__getitem__))

    def opened(self) -> tuple[str, ...]:
        """The keys that wait for nothing more; each is told once, and then either ends or is queued."""
        return tuple(sorted(self._sorter.get_ready(), key=self._place.__getitem__))

    def queue(self, key: str) -> None:
        """Notes that a key needs a place."""
        heapq.heappush(self._queues[key in self._alone], self._place[key])

    def start(self) -> str | None:
        """The first queued key that may be made now, which then has a place."""
        if len(self._running) >= self._jobs:
            return None
        allowed = [
            queue for alone, queue in self._queues.items() if queue and not (alone and self._running & self._alone)
        ]
        if not allowed:
            return None
        key = self._keys[heapq.heappop(min(allowed))]
        self._running.add(key)
        return key

    def end(self, key: str) -> None:
        """Notes that a key has been dealt with, made or not."""
        self._running.discard(key)
        self._sorter.done(key)
