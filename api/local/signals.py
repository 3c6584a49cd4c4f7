"""Ctrl-C, SIGTERM and a closed terminal: once is asking for the end, twice is for the end at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """The end was asked for in the middle of a start."""


@dataclass(slots=True)
class Asked:
    """How often the end was asked for. Where `raises`, the first time is raised at once, as nobody would look meanwhile."""

    times: int = 0
    raises: bool = False

    @property
    def is_hastened(self) -> bool:
        """Whether nothing is to be waited for."""
        return self.times > 1

    def heed(self, number: int, frame: FrameType | None) -> None:
        """A signal has come."""
        self.times += 1
        if self.raises:
            raise Interrupted


@contextmanager
def heeding() -> Iterator[Asked]:
    """Counts the signals that come meanwhile."""
    asked = Asked()
    before = [(number, signal.signal(number, asked.heed)) for number in _SIGNALS]
    try:
        yield asked
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def at_once(asked: Asked) -> Iterator[None]:
    """Has a signal raised where it comes, for work that looks at nothing meanwhile."""
    if asked.times:
        raise Interrupted
    asked.raises = True
    try:
        yield
    finally:
        asked.raises = False
