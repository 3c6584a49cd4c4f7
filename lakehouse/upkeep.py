"""What a table's files need: which can go, which should be put together, and which are lost already."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from lakehouse.datafiles import TableFiles, read_files
from lakehouse.files import FileFacts, Files
from lakehouse.table import Location

TARGET_BYTES = 128 * 1024 * 1024
"""The size up to which files are put together."""
MANY = 8
"""So many small files in one partition are worth a compaction, which writes all their rows again."""
ORPHANS_AFTER = timedelta(days=7)
"""The age from which a file that no commit knows is left over from a write that failed, and not from one at work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So many files, of so many bytes."""

    files: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, sizes: Iterable[int]) -> "Amount":
        """The amount of files of these sizes."""
        listed = list(sizes)
        return cls(files=len(listed), bytes=sum(listed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Files to be removed from a table, by path, with their sizes.

    `keep` are versions that have to stay whole, `allowed` all paths that may be missing afterwards, of which some are gone
    already. `orphan_hours` is the age of files unknown to the log that are among them; None where none is.
    """

    location: Location
    files: Mapping[str, int]
    keep: tuple[int, ...]
    allowed: Set[str]
    orphan_hours: int | None = None


class Care(Protocol):
    """What an engine does for the files of its tables; no data and no effective version changes."""

    def compact(self, location: Location) -> None:
        """Puts small files together."""
        ...

    def remove(self, removal: Removal) -> None:
        """Removes files that no kept version has."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What there is to do for one table. `lost` are kept versions of which files are missing, with how many."""

    removal: Removal
    compacts: Amount = field(default_factory=Amount)
    lost: Mapping[int, int] = field(default_factory=dict)

    @property
    def removes(self) -> Amount:
        """What will be gone."""
        return Amount.of(self.removal.files.values())

    @property
    def asks(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.removal.files or self.compacts.files)


def lost_files(told: TableFiles, there: Mapping[str, FileFacts], versions: Iterable[int]) -> dict[int, int]:
    """The versions that cannot be read any more, with the number of files that each has lost."""
    kept = sorted(set(versions))
    lost: Counter[int] = Counter()
    for life in told.lives:
        if _is_own(life.path) and life.path not in there:
            end = len(kept) if life.end is None else bisect_left(kept, life.end)
            lost.update(kept[bisect_left(kept, life.first) : end])
    return dict(lost)


def missing_files(files: Files, location: Location, versions: Iterable[int]) -> dict[int, int]:
    """The versions of a table that cannot be read any more; asks for one listing of its folder."""
    told = read_files(files, location)
    return {} if told is None else lost_files(told, files.below(location), versions)


def look(
    files: Files, location: Location, kept: Iterable[int], grace: timedelta, now: datetime, *, known: int
) -> Need | None:
    """What there is to do for a table whose kept versions are these; None where its log does not tell of all its files.

    `known` is the newest version that there was when it was decided what is kept: it and whatever came after it stay whole.
    """
    told = read_files(files, location)
    if told is None or told.since > 0:
        return None
    versions = tuple(sorted({*kept, *range(min(known, told.newest), told.newest + 1)}))
    there = files.below(location)
    gone = told.unneeded(versions)
    named = {life.path for life in told.lives}
    old = (now - grace).timestamp() if grace >= ORPHANS_AFTER else 0
    # A younger file may be one that a write at work has not committed yet, whatever the grace.
    orphans = {p for p, f in there.items() if p not in named and p.endswith(".parquet") and f.changed < old}
    chosen = (gone & set(there)) | orphans
    return Need(
        removal=Removal(
            location=location,
            files={path: there[path].size for path in sorted(chosen)},
            keep=told.telling(versions),
            allowed=gone | orphans,
            orphan_hours=int(grace / timedelta(hours=1)) if orphans else None,
        ),
        compacts=_compaction(told),
        lost=lost_files(told, there, versions),
    )


def _compaction(told: TableFiles) -> Amount:
    small = [life for life in told.at(told.newest) if life.size < TARGET_BYTES]
    counts = Counter(life.partition for life in small)
    return Amount.of(life.size for life in small if counts[life.partition] >= MANY)


def _is_own(path: str) -> bool:
    """Whether the table's own folder holds it; a clone names files of another table."""
    return "://" not in path and not path.startswith(("/", "file:"))
