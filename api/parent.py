"""Noticing that the process that started this one is gone, however it ended."""

import os
import threading
from collections.abc import Callable


def when_parent_ends(pipe: int, do: Callable[[], None]) -> None:
    """Calls `do` in a thread as soon as nobody holds the other end of a pipe any more."""

    def wait() -> None:
        while os.read(pipe, 1):
            pass
        do()

    threading.Thread(target=wait, name="parent", daemon=True).start()
