"""Files that other systems put into the landing folder: seen, read whole or not at all, and never changed."""

import filecmp
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.delimited import Malformed, parse
from lakehouse.errors import NotLandable, StoreUnreachable

if TYPE_CHECKING:
    import pyarrow as pa

QUIET_SECONDS = 2.0
"""A file that was written to more recently may still be growing."""

_MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedFile:
    """One content: equal contents are one file, whatever their names. `changed` is the time of its last write, in ns."""

    name: str
    content: str
    size: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What a folder holds: whole files by content, oldest name first, and the names of those still being written."""

    files: tuple[LandedFile, ...]
    growing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was read: the rows of all good files, and why the others were not taken, by content."""

    rows: "pa.Table"
    files: tuple[LandedFile, ...]
    rejected: Mapping[str, str]


def observe(
    folder: Path,
    pattern: str,
    known: Iterable[LandedFile] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> Landing:
    """What lies in the folder under the pattern.

    A file whose name, size and time are those of a known one is not read again. A file written to within `QUIET_SECONDS` is
    looked at twice, that much later, and left out if it grew.
    """
    seen = {(file.name, file.size, file.changed): file.content for file in known}
    paths = [path for path in sorted(folder.glob(pattern)) if path.is_file() and not path.name.startswith(".")]
    before = {path: _facts(path) for path in paths}
    newest = max((facts[1] for facts in before.values() if facts), default=0) / 1e9
    if (wait := newest + QUIET_SECONDS - time.time()) > 0:
        sleep(min(wait, QUIET_SECONDS))
    files: dict[str, LandedFile] = {}
    growing = []
    for path in paths:
        name = str(path.relative_to(folder))
        facts = _facts(path)
        if facts is None or facts != before[path]:
            growing.append(name)
            continue
        content = seen.get((name, *facts)) or _hash_of(path)
        files.setdefault(content, LandedFile(name=name, content=content, size=facts[0], changed=facts[1]))
    return Landing(files=tuple(files.values()), growing=tuple(growing))


def take(folder: Path, files: Sequence[LandedFile], columns: tuple[str, ...], now: datetime) -> Taken:
    """Reads files whole, as text: the columns, and `source_file`, `source_row` (from 1), `source_hash`, `taken_at`.

    A file that changed or vanished since it was observed is neither taken nor rejected: the next run finds what is there.
    """
    import pyarrow as pa

    names = (*columns, "source_file", "source_row", "source_hash")
    values: list[list[object]] = [[] for _ in names]
    taken: list[LandedFile] = []
    rejected: dict[str, str] = {}
    for file in files:
        rows = _rows_of(folder, file, columns)
        if rows is None:
            continue
        taken.append(file)
        if isinstance(rows, Malformed):
            rejected[file.content] = str(rows)
            continue
        for number, row in enumerate(rows, 1):
            for column, value in zip(values, (*row, file.name, number, file.content), strict=True):
                column.append(value)
    kinds = [pa.int64() if name == "source_row" else pa.string() for name in names]
    arrays = [pa.array(column, kind) for column, kind in zip(values, kinds, strict=True)]
    table = pa.table(arrays, names=list(names))
    times = pa.array([now] * table.num_rows, pa.timestamp("us", "UTC"))
    return Taken(rows=table.append_column("taken_at", times), files=tuple(taken), rejected=rejected)


def set_aside(folder: Path, file: LandedFile, into: Path, reason: str) -> Path:
    """Keeps a copy of a malformed file with the reason beside it; the landed file stays where it is."""
    kept = into / f"{file.content[:12]}-{Path(file.name).name}"
    told = {"file": file.name, "content": file.content, "reason": reason}
    with _told(kept):
        into.mkdir(parents=True, exist_ok=True)
        _copied_whole(folder / file.name, into).replace(kept)
        kept.with_name(kept.name + ".reason.json").write_text(json.dumps(told, indent=2) + "\n")
    return kept


def land(source: Path, folder: Path) -> Path:
    """Puts a copy of a file into a landing folder, in one step: under its own name, or a numbered one where that is taken.

    The same content under the same name is not copied again.
    """
    if not source.is_file():
        raise NotLandable(str(source), "it is not a file")
    names = (source.name, *(f"{source.stem}-{number}{source.suffix}" for number in range(2, _MOST_NAMES)))
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        part = _copied_whole(source, folder)
        try:
            return _named(part, folder, names)
        finally:
            part.unlink(missing_ok=True)


def _named(part: Path, folder: Path, names: Iterable[str]) -> Path:
    """Gives a file the first free name, or none where it lies there already; a link never replaces another file."""
    for place in (folder / name for name in names):
        try:
            place.hardlink_to(part)
        except FileExistsError:
            if not filecmp.cmp(part, place, shallow=False):
                continue
        return place
    raise FileExistsError(f"{_MOST_NAMES} files of that name are there already")


def _copied_whole(source: Path, folder: Path) -> Path:
    """A copy under a hidden name, safe on the disk."""
    part = folder / f".{source.name}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        with source.open("rb") as reading, part.open("wb") as writing:
            shutil.copyfileobj(reading, writing)
            writing.flush()
            os.fsync(writing.fileno())
        # It is whole, so no reader has to wait and see whether it still grows.
        settled = min(source.stat().st_mtime, time.time() - QUIET_SECONDS)
        os.utime(part, (settled, settled))
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part


def _facts(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _rows_of(folder: Path, file: LandedFile, columns: tuple[str, ...]) -> list[tuple[str, ...]] | Malformed | None:
    """The rows of a file, or why there are none; None where it is no longer what was observed."""
    path = folder / file.name
    before = _facts(path)
    if before is None or _hash_of(path) != file.content:
        return None
    with _told(path), path.open("rb") as content:
        try:
            rows: list[tuple[str, ...]] | Malformed = parse(content, columns)
        except Malformed as reason:
            rows = reason
    return rows if _facts(path) == before else None


def _hash_of(path: Path) -> str:
    with _told(path), path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnreachable(str(error.filename or path), error.strerror or str(error)) from error
