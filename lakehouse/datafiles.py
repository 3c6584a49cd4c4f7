"""The data files of a table: from which version to which each one is needed, by the log, and which of them are there."""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from lakehouse.errors import LogUnreadable
from lakehouse.files import Files
from lakehouse.table import Location

_COMMIT = re.compile(r"(\d{20})\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One data file: part of every version from `first` to the one before `end`; `end` is None while it is alive."""

    path: str
    size: int
    first: int
    end: int | None
    partition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFiles:
    """What the log tells of a table's files. `since` is the oldest version that it still tells of."""

    lives: tuple[Life, ...]
    since: int
    newest: int

    def at(self, version: int) -> tuple[Life, ...]:
        """The files of one version."""
        return tuple(life for life in self.lives if life.first <= version and not _ended(life, version))

    def unneeded(self, kept: Iterable[int]) -> frozenset[str]:
        """The paths of the files that no kept version has, and the newest one neither."""
        versions = sorted({*kept, self.newest})
        needed = {life.path for life in self.lives if _holds(life, versions)}
        return frozenset(life.path for life in self.lives) - needed

    def telling(self, kept: Iterable[int]) -> tuple[int, ...]:
        """The fewest of the kept versions that have all files of all of them, but for those that are alive anyway."""
        versions = sorted(set(kept))
        lives = [life for life in self.lives if life.end is not None and _holds(life, versions)]
        return tuple(sorted({versions[bisect_left(versions, life.end or 0) - 1] for life in lives}))


def read_files(files: Files, location: Location) -> TableFiles | None:
    """What the log of a table tells of its files; None where there is no table."""
    log = location.child("_delta_log")
    names = [name for name in files.names(log, with_folders=False) if _COMMIT.fullmatch(name)]
    if not names:
        return None
    live: dict[str, Life] = {}
    ended: list[Life] = []
    for name in names:
        version = int(name[:20])
        added: dict[str, Life] = {}
        for kind, body in _actions(files, log, name):
            path = unquote(str(body.get("path")))
            if kind == "add":
                added[path] = Life(
                    path=path,
                    size=_size(body),
                    first=version,
                    end=None,
                    partition=json.dumps(body.get("partitionValues") or {}, sort_keys=True),
                )
            elif kind == "remove" and (life := live.pop(path, None)) is not None:
                ended.append(Life(path=path, size=life.size, first=life.first, end=version, partition=life.partition))
        # A path that is alive and added again, as with another deletion vector, goes on living.
        live.update({path: life for path, life in added.items() if path not in live})
    return TableFiles(lives=(*ended, *live.values()), since=int(names[0][:20]), newest=int(names[-1][:20]))


def _actions(files: Files, log: Location, name: str) -> Iterable[tuple[str, Mapping[str, object]]]:
    for line in files.read(log, name).splitlines():
        if not line.strip():
            continue
        try:
            ((kind, body),) = json.loads(line).items()
        except (ValueError, AttributeError) as error:
            raise LogUnreadable(f"{log}/{name}", f"a line that is no action: {error}") from error
        if isinstance(body, dict):
            yield kind, body


def _size(body: Mapping[str, object]) -> int:
    size = body.get("size")
    return size if isinstance(size, int) else 0


def _ended(life: Life, version: int) -> bool:
    return life.end is not None and life.end <= version


def _holds(life: Life, versions: Sequence[int]) -> bool:
    """Whether any of the sorted versions lies within the file's life."""
    place = bisect_left(versions, life.first)
    return place < len(versions) and not _ended(life, versions[place])
