"""The Delta log read as the event log: what each commit did, and which version readers would notice."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lakehouse.errors import LogUnreadable
from lakehouse.files import Files
from lakehouse.stamp import Stamp, decode
from lakehouse.table import Location, TableVersion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_000  # the end of the year 9999, in milliseconds
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"\d{20}\.checkpoint.*\.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of a table.

    `effective` is the last version up to this one that changed data or schema: what an input's version means. `rows` counts
    the table's rows after the commit, None where a file came without statistics. `replaces` tells whether nothing of the
    version before is left. `stamp` is None for a commit of others. `restores` is the version whose content a RESTORE
    brought back.
    """

    table_id: str
    version: int
    effective: int
    at: datetime
    operation: str
    rows: int | None
    replaces: bool
    stamp: Stamp | None
    restores: int | None = None

    @property
    def table_version(self) -> TableVersion:
        """The version that a reader of this commit depends on."""
        return TableVersion(table_id=self.table_id, version=self.effective)


@dataclass(slots=True)
class _Fold:
    """What is known of a table after the commits read so far."""

    table_id: str = ""
    schema: str = ""
    effective: int = 0
    live: dict[str, int | None] = field(default_factory=dict)
    effective_at: dict[int, int] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)


def read_history(files: Files, location: Location) -> tuple[Commit, ...]:
    """Every commit whose JSON the log still holds, oldest first; empty where there is no table."""
    log = location.child("_delta_log")
    names = files.names(log)
    commits = [name for name in names if _COMMIT.fullmatch(name)]
    fold = _Fold()
    if commits and int(commits[0][:20]) > 0:
        fold.live[""] = None  # rows that came before are not known
        fold.table_id = _table_id_of_checkpoint(files, log, [name for name in names if _CHECKPOINT.fullmatch(name)])
    return tuple(_commit(fold, int(name[:20]), _actions(files, log, name)) for name in commits)


def live_commits(commits: Sequence[Commit]) -> tuple[tuple[Commit, ...], ...]:
    """For each commit, those that the content after it comes from: all since the last replacement, without what was undone."""
    after: dict[int, tuple[Commit, ...]] = {}
    live: tuple[Commit, ...] = ()
    for commit in commits:
        if commit.restores is not None:
            live = after.get(commit.restores, ())
        else:
            live = (commit,) if commit.replaces else (*live, commit)
        after[commit.version] = live
    return tuple(after[commit.version] for commit in commits)


def last_stamped(commits: Sequence[Commit], asset: str, partition: str | None = None) -> Commit | None:
    """The commit with the highest sequence of an asset, which is not always the newest commit."""
    ours = [c for c in commits if c.stamp and c.stamp.asset == asset and c.stamp.partition == partition]
    return max(ours, key=lambda c: (c.stamp.sequence if c.stamp else 0, c.version), default=None)


def _actions(files: Files, log: Location, name: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    for line in files.read(log, name).splitlines():
        if not line.strip():
            continue
        try:
            action = json.loads(line)
            kind = next(iter(action))
            body = action[kind]
        except (ValueError, StopIteration, TypeError) as error:
            raise LogUnreadable(f"{log}/{name}", f"a line that is no action: {error}") from error
        if isinstance(body, dict):
            yield kind, body


def _commit(fold: _Fold, version: int, actions: Iterator[tuple[str, Mapping[str, object]]]) -> Commit:
    info: Mapping[str, object] = {}
    changed = version == 0
    for kind, body in actions:
        if kind == "commitInfo":
            info = body
        elif kind == "metaData":
            changed = changed or fold.schema != body.get("schemaString")
            fold.table_id, fold.schema = str(body.get("id")), str(body.get("schemaString"))
        elif kind == "add":
            changed = changed or bool(body.get("dataChange", True))
            fold.live[str(body.get("path"))] = _rows(body.get("stats"))
        elif kind == "remove":
            changed = changed or bool(body.get("dataChange", True))
            fold.live.pop(str(body.get("path")), None)
    restored = _restored_version(info, fold.times)
    if restored is not None:
        fold.effective = fold.effective_at.get(restored, restored)
    elif changed:
        fold.effective = version
    fold.effective_at[version] = fold.effective
    fold.times[version] = _milliseconds(info)
    counts = list(fold.live.values())
    return Commit(
        table_id=fold.table_id,
        version=version,
        effective=fold.effective,
        at=_EPOCH + timedelta(milliseconds=_milliseconds(info)),
        operation=str(info.get("operation", "")),
        rows=sum(count for count in counts if count is not None) if None not in counts else None,
        replaces=_replaces(info),
        stamp=decode(info.get("userMetadata")),
        restores=restored,
    )


def _restored_version(info: Mapping[str, object], times: Mapping[int, int]) -> int | None:
    """The version that a RESTORE names, or that was the newest at the time which it names (delta-rs, in milliseconds)."""
    parameters = info.get("operationParameters")
    if info.get("operation") != "RESTORE" or not isinstance(parameters, dict):
        return None
    version, time = _whole(parameters.get("version")), _whole(parameters.get("datetime"))
    if version is not None or time is None:
        return version
    return max((number for number, at in times.items() if at <= time), default=None)


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else None


def _replaces(info: Mapping[str, object]) -> bool:
    parameters = info.get("operationParameters")
    if not isinstance(parameters, dict) or parameters.get("predicate") not in {None, "[]"}:
        return False
    return parameters.get("mode") == "Overwrite"


def _milliseconds(info: Mapping[str, object]) -> int:
    value = info.get("inCommitTimestamp", info.get("timestamp"))
    return value if isinstance(value, int) and 0 <= value <= _LATEST else 0


def _rows(stats: object) -> int | None:
    if not isinstance(stats, str):
        return None
    try:
        count = json.loads(stats).get("numRecords")
    except (ValueError, AttributeError):
        return None
    return count if isinstance(count, int) else None


def _table_id_of_checkpoint(files: Files, log: Location, names: Sequence[str]) -> str:
    """The identity of a table whose first commits were cleaned away."""
    import pyarrow as pa
    from pyarrow import parquet

    for name in reversed(names):
        try:
            table = parquet.read_table(pa.BufferReader(files.read(log, name)), columns=["metaData"])
        except (pa.ArrowException, KeyError) as error:
            raise LogUnreadable(f"{log}/{name}", str(error)) from error
        found = [row["id"] for row in table.column("metaData").to_pylist() if row and row.get("id")]
        if found:
            return str(found[0])
    return ""
