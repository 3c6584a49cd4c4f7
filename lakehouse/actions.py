"""One commit file of a Delta log, read line by line and no further than is asked for."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from urllib.parse import unquote

from lakehouse.errors import LogUnreadable
from lakehouse.stamp import is_sequence

FileKey = tuple[str, str]
"""A data file with the deletion vector that is read with it: the same file under another vector is another content."""

_PARSE = json.JSONDecoder().raw_decode  # json.loads looks for space around, for as long again as it takes to parse
_COUNT_FIRST = re.compile(r'\{"numRecords":(\d+)[,}]')  # as every known writer begins
_PLAIN_ADD = re.compile(
    r'\{"add":\{"path":"([^"\\]+)","partitionValues":\{[^{}]*\},"size":\d+,"modificationTime":\d+,'
    r'"dataChange":(true|false),"stats":"\{\\"numRecords\\":(\d+)[,}]'
)  # the same in Spark, delta-rs and DuckDB; a quote inside of a string would be escaped
_INFO = '{"commitInfo":{'
_KEPT = '"userMetadata":"'
_TIMES = re.compile(r'"(timestamp|inCommitTimestamp)":(\d{1,15})[,}]')  # a quote inside of a string would be escaped
_FAR_REACHING = (
    '"Overwrite"',
    "REPLACE",
    "RESTORE",
    "TRUNCATE",
    "DELETE",
)  # what such a commit does takes a closer look
_VECTOR = '"deletionVector":{'
_PLAIN_TXN = re.compile(r'\{"txn":\{"appId":"([^"\\]+)","version":(\d{1,18})[,}]')  # as every known writer begins
_UNREAD = ('{"protocol":{', '{"cdc":{', '{"domainMetadata":{')
_FILES = ('{"add":{', '{"remove":{')
_CHANGING = '"dataChange":true'
_PHYSICAL = "delta.columnMapping.physicalName"


@dataclass(slots=True)
class Change:
    """What one commit says: of itself, of its table, and of the files that it adds and removes.

    `changes_data` tells whether a file carries data that was not there before, or takes such away. `transactions` has the
    last version of each application that Delta will not commit twice.
    """

    info: Mapping[str, object] = field(default_factory=dict)
    table_id: str = ""
    schema: str = ""
    changes_data: bool = False
    transactions: dict[str, int] = field(default_factory=dict)
    added: list[tuple[FileKey, int | None]] = field(default_factory=list)
    removed: list[FileKey] = field(default_factory=list)


def read_change(data: bytes, name: str, *, with_files: bool) -> Change:
    """The change that a commit file tells; without its files, they are looked at only until one changes data."""
    change = Change()
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise LogUnreadable(name, f"it is no text: {error}") from error
    for written in lines:
        line = written.strip()
        if not line:
            continue
        if line.endswith("}}") and _is_passed_over(line, change, with_files=with_files):
            continue
        for kind, body in _actions(line, name):
            _take(change, kind, body, name, with_files=with_files)
    return change


def rows_in(added: Mapping[str, object]) -> int | None:
    """The rows of a file, less those that its deletion vector hides; None where it came without statistics."""
    stats, vector = added.get("stats"), added.get("deletionVector")
    try:
        if isinstance(stats, str) and vector is None and (first := _COUNT_FIRST.match(stats)):
            return int(first[1])
        found = json.loads(stats) if isinstance(stats, str) else added.get("stats_parsed")
        count = found.get("numRecords") if isinstance(found, dict) else None
        hidden = vector["cardinality"] if isinstance(vector, dict) else 0
        return count - hidden if isinstance(count, int) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def note_transaction(body: Mapping[str, object], transactions: dict[str, int]) -> None:
    """Adds an application's last version to those that are known; what can be none is passed over."""
    application, version = body.get("appId"), body.get("version")
    if isinstance(application, str) and isinstance(version, int) and is_sequence(version):
        transactions[application] = max(version, transactions.get(application, version))


def key_of(file: Mapping[str, object]) -> FileKey:
    """What a file is known by; writers escape paths each in their own way."""
    path, vector = _unescaped(str(file.get("path"))), file.get("deletionVector")
    if not isinstance(vector, dict):
        return path, ""
    return path, f"{vector.get('storageType')}{vector.get('pathOrInlineDv')}@{vector.get('offset')}"


def schema_digest(schema: object) -> str:
    """The same for two schemas exactly when a reader sees the same columns: comments and other notes do not count."""
    try:
        plain = json.dumps(_columns(json.loads(str(schema))), sort_keys=True)
    except (ValueError, RecursionError):
        plain = str(schema)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _unescaped(path: str) -> str:
    return unquote(path) if "%" in path else path


def _is_passed_over(line: str, change: Change, *, with_files: bool) -> bool:
    """Whether a line needs no parser; notes what it adds, or whether it changes data."""
    if line.startswith(_UNREAD):
        return True
    if (plain := _PLAIN_TXN.match(line)) is not None:
        change.transactions[plain[1]] = max(int(plain[2]), change.transactions.get(plain[1], 0))
        return True
    if with_files:
        file = _PLAIN_ADD.match(line) if _VECTOR not in line else None
        if file is not None:
            change.changes_data = change.changes_data or file[2] == "true"
            change.added.append(((_unescaped(file[1]), ""), int(file[3])))
        return file is not None
    if line.startswith(_INFO) and not any(word in line for word in _FAR_REACHING):
        return _is_plain_info(line, change)
    if not line.startswith(_FILES):
        return False
    if not change.changes_data and _CHANGING in line:
        change.changes_data = True  # inside of a string the quotes would be escaped
    return change.changes_data


def _is_plain_info(line: str, change: Change) -> bool:
    """Whether all that counts of a commit's own words is its time, and what it was given to keep; notes these."""
    found: dict[str, object] = {name: int(at) for name, at in _TIMES.findall(line)}
    start = line.find(_KEPT)
    if start >= 0:
        if line.find(_KEPT, start + 1) >= 0:
            return False
        try:
            found["userMetadata"] = scanstring(line, start + len(_KEPT), True)[0]
        except ValueError:
            return False
    change.info = found
    return True


def _actions(line: str, name: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        action, end = _PARSE(line)
    except (ValueError, RecursionError) as error:
        raise LogUnreadable(name, f"a line that is no action: {error}") from error
    if not isinstance(action, dict) or end != len(line):
        raise LogUnreadable(name, f"a line that is no action: {line[:80]!r}")
    return ((kind, body) for kind, body in action.items() if isinstance(body, dict))


def _take(change: Change, kind: str, body: Mapping[str, object], name: str, *, with_files: bool) -> None:
    if kind == "commitInfo":
        change.info = body
    elif kind == "metaData":
        change.table_id, change.schema = str(body.get("id")), schema_digest(body.get("schemaString"))
    elif kind == "txn":
        note_transaction(body, change.transactions)
    elif kind in {"add", "remove"}:
        if not isinstance(body.get("path"), str):
            raise LogUnreadable(name, f"a file without a path: {str(body)[:80]}")
        change.changes_data = change.changes_data or bool(body.get("dataChange", True))
        if with_files and kind == "add":
            change.added.append((key_of(body), rows_in(body)))
        elif with_files:
            change.removed.append(key_of(body))


def _columns(kind: object) -> object:
    """A type without what no reader sees; a column that is kept under its own name is one that has no other."""
    if isinstance(kind, list):
        return [_columns(part) for part in kind]
    if not isinstance(kind, dict):
        return kind
    plain = {key: _columns(value) for key, value in kind.items() if key != "metadata"}
    notes = kind.get("metadata")
    physical = notes.get(_PHYSICAL) if isinstance(notes, dict) else None
    return plain if physical in {None, kind.get("name")} else plain | {"physical": physical}
