"""Checkpoints of a Delta log: what a table was at one version, where the commits before it are no longer kept."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.actions import FileKey, key_of, note_transaction, rows_in, schema_digest
from lakehouse.errors import LogUnreadable
from lakehouse.files import Files
from lakehouse.table import Location

_NAME = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.[0-9a-fA-F-]{36})?\.(parquet|json)")
_PARTS_OF_FILE = ("path", "stats", "stats_parsed.numRecords", "deletionVector")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One whole checkpoint: a file, or all parts of one."""

    version: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a table was at a checkpoint; `live` has its files with their rows, where they were asked for.

    `transactions` has the last version that each application committed.
    """

    version: int
    table_id: str
    schema: str
    live: Mapping[FileKey, int | None]
    transactions: Mapping[str, int]


def checkpoints(names: Iterable[str]) -> tuple[Checkpoint, ...]:
    """The checkpoints among the files of a log, oldest first; one with a missing part is none."""
    whole: list[Checkpoint] = []
    parts: dict[tuple[int, int], list[str]] = {}
    for name in names:
        found = _NAME.fullmatch(name)
        if found and found[2]:
            parts.setdefault((int(found[1]), int(found[3])), []).append(name)
        elif found:
            whole.append(Checkpoint(version=int(found[1]), names=(name,)))
    whole += [
        Checkpoint(version=version, names=tuple(sorted(found)))
        for (version, count), found in parts.items()
        if len(found) == count
    ]
    return tuple(sorted(whole, key=lambda checkpoint: checkpoint.version))


def read_base(files: Files, log: Location, checkpoint: Checkpoint, *, with_files: bool) -> Base:
    """What a checkpoint says of its table; its files may be in sidecars."""
    table_id, schema = "", ""
    live: dict[FileKey, int | None] = {}
    transactions: dict[str, int] = {}
    for kind, body in _told(files, log, checkpoint, with_files=with_files):
        if kind == "metaData":
            table_id, schema = str(body.get("id")), schema_digest(body.get("schemaString"))
        elif kind == "txn":
            note_transaction(body, transactions)
        elif kind == "add":
            live[key_of(body)] = rows_in(body)
    if not table_id:
        raise LogUnreadable(f"{log}/{checkpoint.names[0]}", "a checkpoint that does not say what table it is of")
    return Base(version=checkpoint.version, table_id=table_id, schema=schema, live=live, transactions=transactions)


def _told(
    files: Files, log: Location, checkpoint: Checkpoint, *, with_files: bool
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """All that a checkpoint says, its sidecars last."""
    sidecars: list[str] = []
    for name in checkpoint.names:
        for kind, body in _actions(files, log, name, with_files=with_files):
            if kind == "sidecar":
                sidecars.append(str(body.get("path")).rpartition("/")[2])
            else:
                yield kind, body
    for name in sidecars if with_files else ():
        yield from _rows(files, log.child("_sidecars"), name, ("add",))


def _actions(files: Files, log: Location, name: str, *, with_files: bool) -> Iterator[tuple[str, Mapping[str, object]]]:
    if name.endswith(".parquet"):
        yield from _rows(files, log, name, ("metaData", "txn", "sidecar", *(("add",) if with_files else ())))
        return
    try:
        for line in filter(str.strip, files.read(log, name).decode().split("\n")):  # a name may hold U+2028
            yield from ((kind, body) for kind, body in json.loads(line).items() if isinstance(body, dict))
    except (ValueError, AttributeError, RecursionError) as error:
        raise LogUnreadable(f"{log}/{name}", f"a line that is no action: {error}") from error


def _rows(
    files: Files, folder: Location, name: str, kinds: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, object]]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(files.read(folder, name)))
        held = set(file.schema_arrow.names)
        wanted = {
            "metaData": ("id", "schemaString"),
            "txn": ("appId", "version"),
            "sidecar": ("path",),
            "add": _PARTS_OF_FILE,
        }
        columns = [f"{kind}.{part}" for kind in kinds if kind in held for part in wanted[kind]]
        for batch in file.iter_batches(columns=columns):
            for kind in batch.schema.names:
                column = batch.column(kind)
                yield from ((kind, body) for body in column.filter(column.is_valid()).to_pylist())
    except (pa.ArrowException, OSError, KeyError) as error:
        raise LogUnreadable(f"{folder}/{name}", str(error)) from error
