"""One segment of the spool: a file that one process appends to, and holds a lock on for as long as it does.

`<when>-<process>.open` is being written, or its writer died; `.closed` is complete. A name begins with a time, so that the
order of names is the order in which segments were begun.
"""

import fcntl
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from api.log.frames import MAGIC

OPEN, CLOSED = ".open", ".closed"
_NEW = ".new"


class Segment:
    """A segment that this process writes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor
        self.bytes, self.rows, self.since = len(MAGIC), 0, time.monotonic()

    @classmethod
    def begin(cls, folder: Path, *, is_durable: bool) -> Self:
        """A new segment; nobody sees it before its lock is held."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
        fresh, path = folder / f"{name}{_NEW}", folder / f"{name}{OPEN}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, MAGIC)
            fresh.rename(path)
            if is_durable:
                sync_folder(folder)
        except OSError:
            os.close(descriptor)
            fresh.unlink(missing_ok=True)
            raise
        return cls(path, descriptor)

    def append(self, frames: bytes, rows: int) -> None:
        """Adds whole frames, or none where the disk does not take them."""
        try:
            written = os.write(self._descriptor, frames)
            if written < len(frames):
                raise OSError(f"the disk took {written} of {len(frames)} bytes")
        except OSError:
            # What stands after half a frame could not be read.
            os.ftruncate(self._descriptor, self.bytes)
            raise
        self.bytes += len(frames)
        self.rows += rows

    def sync(self) -> None:
        """Returns when a power cut can no longer take what was appended."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Hands the segment over to the flusher."""
        try:
            self.path.rename(self.path.with_suffix(CLOSED))
        finally:
            os.close(self._descriptor)


def is_abandoned(path: Path) -> bool:
    """Whether the process that wrote an open segment has ended."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
    return False


def sync_folder(folder: Path) -> None:
    """Returns when a power cut can no longer undo a rename in the folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
