"""The lake as SQL: a view for each table, and the log as tables of the schema `lakeline`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lakehouse.duck import named, quoted
from lakehouse.history import Commit
from lakehouse.table import Location

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Tables = Mapping[str, tuple[Location, Sequence[Commit]]]


def create_views(connection: "duckdb.DuckDBPyConnection", tables: Tables, root: Location) -> None:
    """Adds the views to a connection; `quarantine.silver.x` is in a database of its own called `quarantine`."""
    connection.execute("CREATE SCHEMA lakeline; ATTACH ':memory:' AS quarantine")
    for key, (location, commits) in tables.items():
        if commits:
            *schema, name = (named(part) for part in key.split("."))
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {'.'.join(schema)}")
            scan = f"delta_scan({quoted(location.uri)})"
            connection.execute(f"CREATE VIEW {'.'.join((*schema, name))} AS SELECT * FROM {scan}")
    path = f"{quoted(root.uri + '/')} || replace(key, '.', '/')"
    at = f"SELECT * FROM delta_scan({path}, version => v)"
    connection.execute(f"CREATE MACRO lakeline.at(key, v) AS TABLE {at}")
    commits_of = {key: commits for key, (_, commits) in tables.items()}
    for name, rows in (
        ("history", _history(commits_of)),
        ("stamps", _stamps(commits_of)),
        ("lineage", _lineage(commits_of)),
    ):
        connection.register("rows_of_log", rows)
        connection.execute(f"CREATE TABLE lakeline.{name} AS SELECT * FROM rows_of_log")
        connection.unregister("rows_of_log")


def published_version(commit: Commit) -> int:
    """The version that a stamped commit published: a model's own number where it tells one, else the table's."""
    told = commit.stamp.extra.get("journal") if commit.stamp else None
    version = told.get("version") if isinstance(told, dict) else None
    return version if isinstance(version, int) else commit.version


def _history(tables: Mapping[str, Sequence[Commit]]) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema(
        {
            "table": pa.string(),
            "version": pa.int64(),
            "made_at": pa.timestamp("us", "UTC"),
            "operation": pa.string(),
            "rows": pa.int64(),
            "effective": pa.int64(),
            "table_id": pa.string(),
            "run": pa.string(),
        }
    )
    rows = [
        {
            "table": key,
            "version": commit.version,
            "made_at": commit.at,
            "operation": commit.operation,
            "rows": commit.rows,
            "effective": commit.effective,
            "table_id": commit.table_id,
            "run": commit.stamp.run if commit.stamp else None,
        }
        for key, commits in tables.items()
        for commit in commits
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _stamps(tables: Mapping[str, Sequence[Commit]]) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema(
        {
            "asset": pa.string(),
            "version": pa.int64(),
            "made_at": pa.timestamp("us", "UTC"),
            "table": pa.string(),
            "commit": pa.int64(),
            "partition": pa.string(),
            "code": pa.string(),
            "run": pa.string(),
            "sequence": pa.int64(),
            "fingerprint": pa.string(),
            "stamp": pa.string(),
        }
    )
    rows = [
        {
            "asset": commit.stamp.asset,
            "version": published_version(commit),
            "made_at": commit.at,
            "table": key,
            "commit": commit.version,
            "partition": commit.stamp.partition,
            "code": commit.stamp.code,
            "run": commit.stamp.run,
            "sequence": commit.stamp.sequence,
            "fingerprint": commit.stamp.fingerprint,
            "stamp": commit.stamp.encode(),
        }
        for key, commits in tables.items()
        for commit in commits
        if commit.stamp
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _lineage(tables: Mapping[str, Sequence[Commit]]) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema(
        {
            "asset": pa.string(),
            "version": pa.int64(),
            "input": pa.string(),
            "input_version": pa.int64(),
            "alias": pa.string(),
            "input_table": pa.string(),
            "made_at": pa.timestamp("us", "UTC"),
            "run": pa.string(),
            "code": pa.string(),
        }
    )
    rows = [
        {
            "asset": commit.stamp.asset,
            "version": published_version(commit),
            "input": key,
            "input_version": used.version,
            "alias": used.alias,
            "input_table": used.table,
            "made_at": commit.at,
            "run": commit.stamp.run,
            "code": commit.stamp.code,
        }
        for commits in tables.values()
        for commit in commits
        if commit.stamp
        for key, used in commit.stamp.reads
    ]
    return pa.Table.from_pylist(rows, schema=schema)
