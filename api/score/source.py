"""The rows of a CSV or Parquet file, some at a time, so that a file may be larger than the memory."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lakehouse.delimited import Malformed, read
from lakehouse.errors import NotReadable

if TYPE_CHECKING:
    import pyarrow as pa

Form = Literal["csv", "parquet"]
_FORMS: dict[str, Form] = {".csv": "csv", ".parquet": "parquet"}
ROWS = 16_384
"""How many rows are in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of a file, and where each is found in it: the last line of a row in CSV, else the number of the row."""

    rows: "pa.Table"
    places: Sequence[int]


def form_of(path: Path) -> Form:
    """What a file is, by the end of its name."""
    try:
        return _FORMS[path.suffix.lower()]
    except KeyError as error:
        found = path.suffix or "nothing"
        told = f"it ends in {found!r}; wanted a name that ends in .csv or .parquet"
        raise NotReadable(str(path), told) from error


def batches(path: Path, count: int = ROWS) -> Iterator[Batch]:
    """All rows in their order, with the columns that the file has; one batch without rows where there are none.

    In CSV every value is a text, and nothing between two commas is null.
    """
    form = form_of(path)
    if not path.is_file():
        raise NotReadable(str(path), "there is no such file")
    yield from _of_csv(path, count) if form == "csv" else _of_parquet(path, count)


def _of_csv(path: Path, count: int) -> Iterator[Batch]:
    import pyarrow as pa

    with _told(path), path.open("rb") as content, closing(read(content)) as lines:
        _, header = next(lines)
        if not header:
            raise Malformed("it is empty; wanted a header with the names of the columns")
        if twice := [name for name in header if header.count(name) > 1]:
            raise Malformed(f"its header names {twice[0]!r} twice")
        is_first = True
        while (taken := list(islice(lines, count))) or is_first:
            columns = zip(*(fields for _, fields in taken), strict=True) if taken else [()] * len(header)
            arrays = [pa.array([value or None for value in column], pa.string()) for column in columns]
            yield Batch(rows=pa.Table.from_arrays(arrays, names=header), places=[number for number, _ in taken])
            is_first = False


def _of_parquet(path: Path, count: int) -> Iterator[Batch]:
    import pyarrow as pa
    from pyarrow import parquet

    with _told(path), parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
        if twice := [name for name in names if names.count(name) > 1]:
            raise Malformed(f"it has two columns {twice[0]!r}")
        first = 1
        for batch in file.iter_batches(count):
            yield Batch(rows=pa.Table.from_batches([batch]), places=range(first, first + batch.num_rows))
            first += batch.num_rows
        if first == 1:
            yield Batch(rows=file.schema_arrow.empty_table(), places=())


@contextmanager
def _told(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (Malformed, OSError, pa.ArrowException) as error:
        raise NotReadable(str(path), (str(error).splitlines() or [type(error).__name__])[0]) from error
