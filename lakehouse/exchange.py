"""Rows in a file that a person, or another program, can mend: CSV or Parquet."""

from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.duck import named, quoted
from lakehouse.errors import NotReadable

if TYPE_CHECKING:
    import pyarrow as pa


_FORMS = frozenset({".csv", ".parquet"})


def write_rows(rows: "pa.Table", path: Path) -> None:
    """Writes a new file, `.parquet` or `.csv`; in CSV, NULL is nothing between two commas."""
    import duckdb

    if path.suffix.lower() not in _FORMS:
        raise NotReadable(
            str(path), f"it ends in {path.suffix or 'nothing'!r}; wanted a name that ends in .csv or .parquet"
        )

    if path.exists():
        raise NotReadable(str(path), "it is there already; give another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    form = "FORMAT parquet" if _is_parquet(path) else "FORMAT csv, HEADER, NULLSTR ''"
    try:
        with duckdb.connect() as connection:
            relation = connection.from_arrow(rows)
            relation.query("rows", f"COPY (SELECT * FROM rows) TO {quoted(str(path))} ({form})")
    except duckdb.Error as error:
        raise NotReadable(str(path), str(error).splitlines()[0]) from error


def read_rows(path: Path, like: "pa.Schema") -> "pa.Table":
    """A file's rows with these columns, of these types; other columns are left out, a missing one is named."""
    import duckdb

    if not path.is_file():
        raise NotReadable(str(path), "there is no such file")
    csv = f"read_csv({quoted(str(path))}, all_varchar => true, header => true, nullstr => '', allow_quoted_nulls => false)"
    source = f"read_parquet({quoted(str(path))})" if _is_parquet(path) else csv
    try:
        with duckdb.connect() as connection:
            found = connection.sql(f"SELECT * FROM {source}").columns
            if missing := [name for name in like.names if name not in found]:
                raise NotReadable(str(path), f"column {missing[0]!r} is missing; wanted {', '.join(like.names)}")
            wanted = connection.from_arrow(like.empty_table())
            types = zip(wanted.columns, wanted.types, strict=True)
            columns = ", ".join(f"CAST({named(name)} AS {kind}) AS {named(name)}" for name, kind in types)
            return connection.sql(f"SELECT {columns} FROM {source}").to_arrow_table().cast(like)
    except duckdb.Error as error:
        raise NotReadable(str(path), str(error).splitlines()[0]) from error


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"
