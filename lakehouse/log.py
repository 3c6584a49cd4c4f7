"""The `_delta_log` of one table: which commits can be read, and what they stand on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakehouse.actions import Change, read_change
from lakehouse.checkpoint import Base, Checkpoint, checkpoints, read_base
from lakehouse.errors import LogUnreadable
from lakehouse.files import Files
from lakehouse.table import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The commits that a log holds without a gap up to its newest, and the checkpoint below them.

    `ground` is None where the commits start at 0. Temporary files, checksums, compacted commits and whatever else lies
    beside are not looked at: the commits tell the same.
    """

    folder: Location
    versions: Sequence[int]
    ground: Checkpoint | None

    @property
    def is_empty(self) -> bool:
        """Whether there is no table."""
        return not self.versions and self.ground is None

    def base(self, files: Files, *, with_files: bool) -> Base | None:
        """What the table was at the checkpoint."""
        return read_base(files, self.folder, self.ground, with_files=with_files) if self.ground else None

    def changes(self, files: Files, versions: Sequence[int], *, with_files: bool) -> Iterator[tuple[int, Change]]:
        """What some of the commits change, in their order."""
        names = [name_of(version) for version in versions]
        for version, name, data in zip(versions, names, files.read_each(self.folder, names), strict=True):
            yield version, read_change(data, f"{self.folder}/{name}", with_files=with_files)


def find_log(files: Files, location: Location) -> Log:
    """The log of the table at a location, from one listing."""
    folder = location.child("_delta_log")
    names = files.names(folder, with_folders=False)
    versions = versions_in(names)
    whole = checkpoints(names)
    if whole and (not versions or whole[-1].version > versions[-1]):
        return Log(folder=folder, versions=(), ground=whole[-1])
    if not versions:
        return Log(folder=folder, versions=(), ground=None)
    start = _start_of_last_run(versions)
    first = versions[start]
    ground = next((checkpoint for checkpoint in whole if checkpoint.version >= first - 1), None) if first else None
    if first and ground is None:
        raise LogUnreadable(
            f"{folder}/{name_of(first - 1)}", "the commit is not there, and no checkpoint stands for it"
        )
    return Log(folder=folder, versions=versions[start:], ground=ground)


def versions_in(names: Sequence[str]) -> list[int]:
    """The versions whose commits are among the sorted names of a log."""
    return [int(name[:20]) for name in names if len(name) == 25 and name.endswith(".json") and name[:20].isdecimal()]


def name_of(version: int) -> str:
    """The file of a commit."""
    return f"{version:020}.json"


def _start_of_last_run(versions: Sequence[int]) -> int:
    if versions[-1] - versions[0] == len(versions) - 1:
        return 0
    return next(place for place in range(len(versions) - 1, 0, -1) if versions[place - 1] + 1 != versions[place])
