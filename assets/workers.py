"""Threads that each make one asset, and tell the one thread that listens."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line to be told while an asset is being made."""

    key: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Generic[T]):
    """A thread that ended: with a result, or with an error that nobody expected."""

    key: str
    result: T | None = None
    error: BaseException | None = None


class Workers(Generic[T]):
    """One thread for each asset that is being made. None of them keeps the process alive."""

    def __init__(self) -> None:
        self._told: SimpleQueue[Said | Ended[T] | None] = SimpleQueue()  # the one queue that a signal's handler may use

    def start(self, key: str, work: Callable[[], T]) -> None:
        """Begins a piece of work."""
        threading.Thread(target=self._do, args=(key, work), name=f"makes {key}", daemon=True).start()

    def say(self, key: str, line: str) -> None:
        """Tells a line; called by the threads."""
        self._told.put(Said(key=key, line=line))

    def wake(self) -> None:
        """Makes `hear` answer None at once."""
        self._told.put(None)

    def hear(self, seconds: float | None = None) -> Said | Ended[T] | None:
        """The next thing that was told; None where nothing was in time."""
        try:
            return self._told.get(timeout=seconds)
        except Empty:
            return None

    def _do(self, key: str, work: Callable[[], T]) -> None:
        try:
            self._told.put(Ended(key=key, result=work()))
        except BaseException as error:  # whatever it is, the thread that listens has to know, or it waits for ever
            self._told.put(Ended(key=key, error=error))
