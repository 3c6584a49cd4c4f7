"""The wish that a run ends early, and how far each asset has come when it is uttered."""

import threading
from collections.abc import Callable
from typing import Protocol

from assets.errors import Interrupted
from lakehouse.errors import PlatformError


class Interruptible(Protocol):
    """What computes for an asset."""

    def interrupt(self) -> None:
        """Ends what it computes; called from another thread."""
        ...


class Stop:
    """Asks a run to end: nothing new begins, what has not come to its commit never does, and what has is waited for."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._engines: dict[str, list[Interruptible]] = {}
        self._committing: set[str] = set()
        self._wake: Callable[[], None] | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the run is to end."""
        return self._asked.is_set()

    @property
    def committing(self) -> frozenset[str]:
        """The assets whose commit may still happen."""
        with self._lock:
            return frozenset(self._committing)

    def ask(self) -> bool:
        """Asks for the end; False where no run is under way, or it was asked before. Safe in a signal's handler."""
        if self._wake is None or self._asked.is_set():
            return False
        self._asked.set()
        self._wake()
        return True

    def listen(self, wake: Callable[[], None] | None) -> None:
        """Says how a run is woken when it is asked to end; None where it is over."""
        self._wake = wake

    def watch(self, key: str, engine: Interruptible) -> None:
        """Remembers what computes for an asset."""
        with self._lock:
            self._engines.setdefault(key, []).append(engine)

    def pass_on(self, key: str) -> None:
        """Lets an asset go on to its commit, or ends it here where the run is to end."""
        with self._lock:
            if self._asked.is_set():
                raise Interrupted(key)
            self._committing.add(key)

    def forget(self, key: str) -> None:
        """An asset has been dealt with."""
        with self._lock:
            self._committing.discard(key)
            self._engines.pop(key, None)

    def interrupt(self) -> None:
        """Ends what is computed for any asset."""
        with self._lock:
            engines = [engine for those in self._engines.values() for engine in those]
        for engine in engines:
            try:
                engine.interrupt()
            except PlatformError:
                continue  # a server that is gone computes nothing

    def wait(self, seconds: float) -> None:
        """Sleeps, and wakes where the run is to end."""
        self._asked.wait(seconds)
