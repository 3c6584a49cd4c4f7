"""Ctrl-C and SIGTERM: the first lets a run end in order, the second ends the process at once."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from assets.stop import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def heeding(stop: "Stop") -> Iterator[None]:
    """Asks the run to end at the first signal. One that comes before the run, or after it, is Python's own KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heed(number: int, frame: FrameType | None) -> None:
        if stop.ask():
            _tell("interrupted; what is being committed ends, nothing else begins; once more ends it at once")
        elif stop.is_asked:
            _tell("interrupted twice; what was published stays")
            end_at_once()
        else:
            raise KeyboardInterrupt

    before = [(number, signal.signal(number, heed)) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def end_at_once() -> NoReturn:
    """Ends the process, whatever its threads are in the middle of."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _tell(line: str) -> None:
    os.write(2, f"\n  {line}\n".encode())  # a handler may come in the middle of another line's printing
