"""The segments that wait for the lake, and the numbers by which the lake knows which of them it has.

`<number>.taken` is a segment that the flusher numbered: numbers only grow, and a commit carries the highest of those in it as
the transaction of this spool. So a number that is not above the last transaction was committed, whatever befell the flusher.
A spool may be pointed at another lake for a while, which has other transactions: no number is ever given twice.
"""

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from api.log.segment import CLOSED, OPEN, is_abandoned, sync_folder
from api.whole import write_whole

_TAKEN, _ASIDE = ".taken", ".aside"
_IDENTITY, _GIVEN = "identity", "numbered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How much waits on this machine's disk, and since when: `oldest_seconds` is 0 where nothing is complete yet.

    What was set aside takes its place on the disk, and waits for a person.
    """

    segments: int = 0
    bytes: int = 0
    set_aside: int = 0
    oldest_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A segment with its number."""

    number: int
    path: Path


def depth(folder: Path) -> Depth:
    """How much waits in a spool's folder; nothing where there is none."""
    sizes: list[int] = []
    times: list[float] = []
    set_aside = 0
    for suffix in (OPEN, CLOSED, _TAKEN, _ASIDE):
        for path in folder.glob(f"*{suffix}"):
            with suppress(FileNotFoundError):  # it was handed over, or committed, a moment ago
                told = path.stat()
                sizes.append(told.st_size)
                set_aside += suffix == _ASIDE
                if suffix in {CLOSED, _TAKEN}:
                    times.append(told.st_mtime)
    oldest = max(0.0, time.time() - min(times)) if times else 0.0
    return Depth(segments=len(sizes) - set_aside, bytes=sum(sizes), set_aside=set_aside, oldest_seconds=oldest)


class Backlog:
    """The complete segments of one folder; for the one process that holds its lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def application(self) -> str:
        """The name of this spool in the lake's transactions; another for each folder that was ever made."""
        file = self._folder / _IDENTITY
        if not file.exists():
            fresh = file.with_suffix(".new")
            fresh.write_text(f"prediction-log-{uuid.uuid4()}\n", encoding="utf-8")
            fresh.replace(file)
            sync_folder(self._folder)
        return file.read_text(encoding="utf-8").strip()

    def complete_bytes(self) -> int:
        """The size of the segments that can be committed; 0 for none."""
        return sum(path.stat().st_size for path in [*(taken.path for taken in self._taken()), *self._complete()])

    def take(self, committed: int) -> tuple[Taken, ...]:
        """All complete segments in the order of their numbers; those up to the one that was committed last are removed.

        A number is on the disk before anybody can commit it, or a power cut could give a committed segment another one.
        """
        numbered = self._taken()
        self.remove([taken for taken in numbered if taken.number <= committed])
        left = [taken for taken in numbered if taken.number > committed]
        complete = self._complete()
        following = 1 + max(committed, self._given(), *(taken.number for taken in numbered))
        if complete:
            write_whole(self._folder / _GIVEN, f"{following + len(complete) - 1}\n")
        for number, path in enumerate(complete, following):
            taken = Taken(number=number, path=self._folder / f"{number:020d}{_TAKEN}")
            path.rename(taken.path)
            left.append(taken)
        if left:
            sync_folder(self._folder)
        return tuple(left)

    def remove(self, segments: Sequence[Taken]) -> None:
        """Lets segments go that the lake has."""
        for taken in segments:
            taken.path.unlink(missing_ok=True)

    def set_aside(self, taken: Taken) -> Path:
        """Keeps a segment that cannot be read for a person to look at, out of the others' way."""
        aside = taken.path.with_suffix(f".{time.time_ns()}{_ASIDE}")
        taken.path.rename(aside)
        return aside

    def _given(self) -> int:
        """The highest number that a segment was ever given; 0 where nothing tells it."""
        try:
            return int((self._folder / _GIVEN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0

    def _taken(self) -> list[Taken]:
        paths = sorted(self._folder.glob(f"*{_TAKEN}"))
        return [Taken(number=int(path.stem), path=path) for path in paths if path.stem.isdigit()]

    def _complete(self) -> list[Path]:
        closed = list(self._folder.glob(f"*{CLOSED}"))
        abandoned = [path for path in self._folder.glob(f"*{OPEN}") if is_abandoned(path)]
        return sorted([*closed, *abandoned])
