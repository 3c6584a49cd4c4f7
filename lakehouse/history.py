"""The Delta log read as the event log: what each commit did, and which version readers would notice."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lakehouse.actions import Change, FileKey
from lakehouse.checkpoint import Base
from lakehouse.files import Files
from lakehouse.log import Log, find_log
from lakehouse.stamp import Stamp, decode
from lakehouse.table import Location, TableVersion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_000  # the end of the year 9999, in milliseconds
_EVERYTHING = ("[]", '["true"]', "true")


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


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """The commits that one content of a table comes from: all since the last replacement, without what was undone."""

    newest: Commit | None = None
    before: "Live | None" = None

    def __iter__(self) -> Iterator[Commit]:
        """Oldest first."""
        found: list[Commit] = []
        link: Live | None = self
        while link is not None and link.newest is not None:
            found.append(link.newest)
            link = link.before
        return reversed(found)


@dataclass(slots=True)
class _Fold:
    """What is known of a table after the commits read so far.

    `files` is the same for the same set of files, whatever the order in which they came and went; so a content that is there
    again is found in `contents`. `is_whole` tells whether `live` has every file.
    """

    table_id: str = ""
    schema: str = ""
    effective: int = 0
    live: dict[FileKey, int | None] = field(default_factory=dict)
    is_whole: bool = True
    rows: int = 0
    uncounted: int = 0
    files: int = 0
    contents: dict[int, int] = field(default_factory=dict)
    effective_at: dict[int, int] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    transactions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a log tells: its commits, the digest of its last schema, the last transaction of each application."""

    commits: tuple[Commit, ...]
    schema: str
    transactions: Mapping[str, int]


def read_history(files: Files, location: Location) -> tuple[Commit, ...]:
    """Every commit that the log still holds, oldest first; empty where there is no table."""
    return read_commits(files, find_log(files, location)).commits


def read_commits(files: Files, log: Log) -> Told:
    """All that a log tells; one that is a checkpoint alone tells of one commit, made at an unknown time."""
    fold = _Fold()
    base = log.base(files, with_files=True)
    if base is not None:
        fold.table_id, fold.is_whole = base.table_id, False
        _note(fold, base.transactions)
        if not log.versions or base.version < log.versions[0]:
            _stand_on(fold, base)
    commits = []
    for version, change in log.changes(files, log.versions, with_files=True):
        made = _commit(fold, version, change)
        if base is not None and version == base.version:
            _stand_on(fold, base)
            made = _described(fold, version, change.info, None)
        commits.append(made)
    if base is not None and not log.versions:
        commits.append(_described(fold, base.version, {}, None))
    return Told(commits=tuple(commits), schema=fold.schema, transactions=fold.transactions)


def live_commits(commits: Sequence[Commit]) -> Iterator[Live]:
    """For each commit, those that the content after it comes from."""
    after: dict[int, Live] = {}
    live = Live()
    for commit in commits:
        if commit.restores is not None:
            live = after.get(commit.restores, Live())
        else:
            live = Live(commit) if commit.replaces else Live(commit, live)
        after[commit.version] = live
        yield live


def last_stamped(commits: Iterable[Commit], asset: str, partition: str | None = None) -> Commit | None:
    """The commit with the highest sequence of an asset, which is not always the newest commit."""
    ours = [c for c in commits if c.stamp and c.stamp.asset == asset and c.stamp.partition == partition]
    return max(ours, key=lambda c: (c.stamp.sequence if c.stamp else 0, c.version), default=None)


def replaces(info: Mapping[str, object]) -> bool:
    """Whether a commit says that it leaves nothing of the version before."""
    operation, told = str(info.get("operation", "")), info.get("operationParameters")
    parameters = told if isinstance(told, dict) else {}
    predicate = parameters.get("predicate")
    if "REPLACE TABLE" in operation or operation == "TRUNCATE":
        return True
    if operation == "DELETE":
        return isinstance(told, dict) and (predicate is None or predicate in _EVERYTHING)
    by_partition = str(parameters.get("isDynamicPartitionOverwrite", "")).lower() == "true"
    return parameters.get("mode") == "Overwrite" and predicate in (None, "[]") and not by_partition


def _stand_on(fold: _Fold, base: Base) -> None:
    """Takes a checkpoint's word. The commits before it cannot be read any more: it counts as a change of its own."""
    fold.table_id, fold.schema, fold.live, fold.is_whole = base.table_id, base.schema, dict(base.live), True
    counts = list(base.live.values())
    fold.rows, fold.uncounted = sum(count or 0 for count in counts), counts.count(None)
    fold.effective = fold.effective_at[base.version] = fold.contents[_content(fold)] = base.version


def _commit(fold: _Fold, version: int, change: Change) -> Commit:
    changed = version == 0 or change.changes_data
    if change.table_id:
        changed = changed or (fold.table_id, fold.schema) != (change.table_id, change.schema)
        fold.table_id, fold.schema = change.table_id, change.schema
    _note(fold, change.transactions)
    for key in change.removed:
        _remove(fold, key)
    for key, rows in change.added:
        _add(fold, key, rows)
    content = _content(fold)
    same = fold.contents.get(content)
    restored = _restored_version(change.info, fold.times, same)
    if restored is not None and same is not None:
        fold.effective = fold.effective_at[same]
    elif changed:
        fold.effective = version
    fold.contents[content], fold.effective_at[version] = version, fold.effective
    return _described(fold, version, change.info, restored)


def _described(fold: _Fold, version: int, info: Mapping[str, object], restored: int | None) -> Commit:
    at = fold.times[version] = milliseconds(info)
    return Commit(
        table_id=fold.table_id,
        version=version,
        effective=fold.effective,
        at=moment(at),
        operation=str(info.get("operation", "")),
        rows=fold.rows if fold.is_whole and not fold.uncounted else None,
        replaces=replaces(info),
        stamp=decode(info.get("userMetadata")),
        restores=restored,
    )


def _note(fold: _Fold, transactions: Mapping[str, int]) -> None:
    for application, version in transactions.items():
        fold.transactions[application] = max(version, fold.transactions.get(application, version))


def _content(fold: _Fold) -> int:
    return hash((fold.table_id, fold.schema, fold.files))


def _add(fold: _Fold, key: FileKey, rows: int | None) -> None:
    if key in fold.live:
        _uncount(fold, fold.live[key])
    else:
        fold.files ^= hash(key)
    fold.live[key] = rows
    fold.rows += rows or 0
    fold.uncounted += rows is None


def _remove(fold: _Fold, key: FileKey) -> None:
    if key in fold.live:
        fold.files ^= hash(key)
        _uncount(fold, fold.live.pop(key))
    elif not fold.is_whole:
        fold.files ^= hash(key)


def _uncount(fold: _Fold, rows: int | None) -> None:
    fold.rows -= rows or 0
    fold.uncounted -= rows is None


def _restored_version(info: Mapping[str, object], times: Mapping[int, int], same: int | None) -> int | None:
    """The version that a RESTORE names, or else the newest of the same content, or of the time that it names.

    delta-rs names a time in milliseconds; Spark in words, as they were typed, in the time zone of a session that is gone.
    """
    parameters = info.get("operationParameters")
    if info.get("operation") != "RESTORE" or not isinstance(parameters, dict):
        return None
    version, time = _whole(parameters.get("version")), _whole(parameters.get("datetime"))
    if version is not None or same is not None or time is None:
        return same if version is None else version
    return max((number for number, at in times.items() if at <= time), default=None)


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None


def milliseconds(info: Mapping[str, object]) -> int:
    """The time of a commit, since 1970; 0 where it tells none."""
    value = info.get("inCommitTimestamp", info.get("timestamp"))
    return value if isinstance(value, int) and 0 <= value <= _LATEST else 0


def moment(milliseconds: int) -> datetime:
    """A time of the log as a time of day."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
