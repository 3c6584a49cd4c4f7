"""One draw for all requests that are taken up in one turn of the event loop."""

import asyncio
import random


class Turn:
    """Requests that came together are answered by one of two versions, so that both need not be asked for their sake.

    A call of a model costs much, and each row of it little. Over many turns the shares are those that are wanted.
    """

    def __init__(self) -> None:
        self._drawn: float | None = None

    def draw(self) -> float:
        """A number from 0 up to but not including 1; call it in the event loop."""
        if self._drawn is None:
            self._drawn = random.random()
            asyncio.get_running_loop().call_soon(self._end)
        return self._drawn

    def _end(self) -> None:
        self._drawn = None
