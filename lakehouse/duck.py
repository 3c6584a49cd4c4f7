"""A DuckDB connection that reads Delta tables and downloads nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.errors import BadSetting, ComputeFailed
from lakehouse.settings import LakeSettings
from lakehouse.table import Location

if TYPE_CHECKING:
    import duckdb


def connect(settings: LakeSettings) -> "duckdb.DuckDBPyConnection":
    """A new in-memory database that knows `delta_scan`, and the lake's object store where it has one."""
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    for name in ("httpfs", "delta") if settings.root.is_s3 else ("delta",):
        connection.execute(f"LOAD '{_extension(name)}'")
    if settings.root.is_s3:
        connection.execute(_secret(settings))
    # Spark's name for what both know, so that a check which is translated for both is worded once. Here, for a database has one
    # writer of its catalog: cursors that each made it would conflict.
    connection.execute("CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern)")
    return connection


def quoted(text: str) -> str:
    """A text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def named(identifier: str) -> str:
    """A name as a SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def scan(location: Location, version: int) -> str:
    """What stands for a table at a version in SQL."""
    return f"delta_scan({quoted(location.uri)}, version => {version})"


def reason(words: str) -> str:
    """Why DuckDB could not read a version; of a file that is gone, or a version that never was, it speaks in parts of a log."""
    if never_made := re.search(r"end version (\d+) not the same as the specified end version (\d+)", words):
        return f"version {never_made[2]} was never made, the newest is {never_made[1]}"
    if gone := re.search(r"([^/\"']+\.parquet)\".*(?:No such file|404)", words, re.DOTALL):
        return f"its file {gone[1]} is gone, as after a VACUUM"
    return words


@contextmanager
def told(what: str) -> Iterator[None]:
    """Words the errors of DuckDB, and of Arrow that its rows pass through, as ours."""
    import duckdb
    import pyarrow as pa

    try:
        yield
    except (duckdb.Error, pa.ArrowException) as error:
        raise ComputeFailed(what, str(error)) from error


def _extension(name: str) -> Path:
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.submodule_search_locations is None:
        raise BadSetting("PYTHONPATH", name, f"install the package 'duckdb-extension-{name}'")
    return next(Path(spec.submodule_search_locations[0]).rglob(f"{name}.duckdb_extension"))


def _secret(settings: LakeSettings) -> str:
    endpoint = settings.aws_endpoint_url or ""
    secret = settings.aws_secret_access_key
    options = {
        "TYPE": "s3",
        "KEY_ID": quoted(settings.aws_access_key_id or ""),
        "SECRET": quoted(secret.get_secret_value() if secret else ""),
        "REGION": quoted(settings.aws_region),
        "SCOPE": quoted(settings.root.uri),
    }
    if endpoint:
        options |= {
            "ENDPOINT": quoted(endpoint.split("://", 1)[-1]),
            "URL_STYLE": "'path'",
            "USE_SSL": "true" if endpoint.startswith("https://") else "false",
        }
    return f"CREATE SECRET ({', '.join(f'{name} {value}' for name, value in options.items())})"
