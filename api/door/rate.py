"""How often one sender may ask: a bucket for each, shared by the workers of a server."""

import fcntl
import mmap
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

_ROUNDING_SECONDS = 1e-6
_PLACES = 1 << 14
_NEIGHBOURS = 8
_PLACE = struct.Struct("<16sd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many requests in a second, and how many at once."""

    per_second: float
    burst: int


def after_one_more(full_at: float, now: float, rate: Rate) -> tuple[float, float]:
    """When the bucket is full again after one more request, and how long the request would have to wait for its turn.

    >>> after_one_more(0.0, 100.0, Rate(per_second=2, burst=1))
    (100.5, 0.0)
    >>> after_one_more(100.5, 100.0, Rate(per_second=2, burst=1))
    (100.5, 0.5)
    """
    full_then = max(full_at, now) + 1 / rate.per_second
    wait_seconds = full_then - now - rate.burst / rate.per_second
    return (full_at, wait_seconds) if wait_seconds > _ROUNDING_SECONDS else (full_then, 0.0)


class Buckets:
    """The buckets of all senders, in a file that the workers have in their memory; without one, of this process alone.

    A bucket that is full again says nothing, and its place may be taken. Where many senders come at once and no place is
    free, senders share a bucket: nobody gets more than is allowed. The clock is one that all processes share.
    """

    def __init__(self, rate: Rate, file: Path | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        size = _PLACES * _PLACE.size
        self._file = None if file is None else file.open("a+b")
        if self._file is not None:
            self._file.truncate(size)
        self._memory = mmap.mmap(-1 if self._file is None else self._file.fileno(), size)

    def wait_seconds(self, sender: bytes) -> float:
        """How long this request would have to wait; 0 where it may be answered, and then it is counted."""
        name = blake2b(sender, digest_size=16).digest()
        first = int.from_bytes(name[:8]) % (_PLACES - _NEIGHBOURS) * _PLACE.size
        with self._held(first):
            now = self._clock()
            offset, full_at = self._place(name, first, now)
            full_then, wait_seconds = after_one_more(full_at, now, self._rate)
            if not wait_seconds:
                _PLACE.pack_into(self._memory, offset, name, full_then)
        return wait_seconds

    def _place(self, name: bytes, first: int, now: float) -> tuple[int, float]:
        free = None
        for offset in range(first, first + _NEIGHBOURS * _PLACE.size, _PLACE.size):
            holder, full_at = _PLACE.unpack_from(self._memory, offset)
            if holder == name:
                return offset, full_at
            if free is None and full_at <= now:
                free = offset
        return (first, _PLACE.unpack_from(self._memory, first)[1]) if free is None else (free, 0.0)

    @contextmanager
    def _held(self, first: int) -> Iterator[None]:
        if self._file is None:
            yield
            return
        length = _NEIGHBOURS * _PLACE.size
        fcntl.lockf(self._file, fcntl.LOCK_EX, length, first)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, length, first)
