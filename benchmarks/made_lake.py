"""A lake that was never computed: logs written directly, as delta-rs writes them, in seconds."""

import json
from pathlib import Path

from lakehouse.stamp import CheckResult, InputVersion, Stamp

_AT = 1_700_000_000_000
_TIME, _SEQUENCE = 4_444_444_444_444, 777_777_777  # marks, in the place of which each commit has its own
_SCHEMA = json.dumps(
    {"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": {}}]},
    separators=(",", ":"),
)
_DEFINITIONS = '''
from assets import asset


def made(rows):
    """The rows of the table before."""
    return rows


def first():
    """Rows from nowhere."""


for number in range({tables}):
    made_of = {{"rows": f"silver.t{{number - {width}:04}}"}} if number >= {width} else {{}}
    function = made if made_of else first
    globals()[f"t{{number:04}}"] = asset(f"silver.t{{number:04}}", inputs=made_of, engine="duckdb", code="1")(function)
'''


def write_definitions(folder: Path, tables: int, width: int = 10) -> None:
    """A module `made_lake_definitions` of as many tables, in chains: each reads the one that is `width` before it."""
    (folder / "made_lake_definitions.py").write_text(_DEFINITIONS.format(tables=tables, width=width))


def write_lake(root: Path, tables: int, commits: int, width: int = 10) -> None:
    """The tables of those definitions, each made `commits` times, and fresh."""
    for number in range(tables):
        inputs = {}
        if number >= width:
            inputs = {f"silver.t{number - width:04}": InputVersion(table=_id(number - width), version=commits - 1)}
        write_table(root / "silver" / f"t{number:04}", f"silver.t{number:04}", _id(number), commits, inputs)


def write_table(path: Path, key: str, table_id: str, commits: int, inputs: dict[str, InputVersion]) -> None:
    """One table's log: appends of ten rows, each with a stamp and statistics."""
    log = path / "_delta_log"
    log.mkdir(parents=True)
    first, later = (_commit(key, table_id, inputs, is_first=is_first) for is_first in (True, False))
    for version in range(commits):
        text = (later if version else first).replace(str(_TIME), str(_AT + version * 1000))
        (log / f"{version:020}.json").write_text(text.replace(str(_SEQUENCE), str(version + 1)))


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _commit(key: str, table_id: str, inputs: dict[str, InputVersion], *, is_first: bool) -> str:
    """A commit with marks where its time and number belong."""
    stamp = Stamp(
        asset=key,
        code="1",
        inputs=inputs,
        run=f"20260101T000000-{_SEQUENCE}",
        sequence=_SEQUENCE,
        checks=(CheckResult(name="id > 0", otherwise="fail", failed=0, total=10),),
    )
    info = {
        "timestamp": _TIME,
        "operation": "WRITE",
        "operationParameters": {"mode": "Append"},
        "userMetadata": stamp.encode(),
        "engineInfo": "delta-rs:py-1.6.6",
        "operationMetrics": {"execution_time_ms": 2, "num_added_files": 1, "num_added_rows": 10},
        "clientVersion": "delta-rs.py-1.6.6",
    }
    actions: list[dict[str, object]] = [{"commitInfo": info}]
    if is_first:
        described = {
            "id": table_id,
            "name": None,
            "description": None,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": _SCHEMA,
            "partitionColumns": [],
            "createdTime": _TIME,
            "configuration": {},
        }
        actions += [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": described}]
    stats = '{"numRecords":10,"minValues":{"id":1},"maxValues":{"id":10},"nullCount":{"id":0}}'
    added = {
        "path": f"part-00000-{_SEQUENCE}-0000-4000-8000-000000000000-c000.snappy.parquet",
        "partitionValues": {},
        "size": 1000,
        "modificationTime": _TIME,
        "dataChange": True,
        "stats": stats,
    }
    actions += [{"txn": {"appId": key, "version": _SEQUENCE, "lastUpdated": _TIME}}, {"add": added}]
    return "".join(f"{json.dumps(action, separators=(',', ':'))}\n" for action in actions)
