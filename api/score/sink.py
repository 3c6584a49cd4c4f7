"""A file of predictions: written beside its place, and put there when it is whole."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from api.score.source import Form, form_of
from lakehouse.errors import NotReadable

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv, parquet


class Sink:
    """Takes rows in their order; all have the columns of the first ones."""

    def __init__(self, file: IO[bytes], form: Form) -> None:
        self._file, self._form = file, form
        self._writer: csv.CSVWriter | parquet.ParquetWriter | None = None

    def write(self, rows: "pa.Table") -> None:
        """Adds rows."""
        from pyarrow import csv, parquet

        if self._writer is None:
            kind = csv.CSVWriter if self._form == "csv" else parquet.ParquetWriter
            self._writer = kind(self._file, rows.schema)
        self._writer.write_table(rows)

    def close(self) -> None:
        """Ends the file."""
        if self._writer is not None:
            self._writer.close()


@contextmanager
def whole_file(path: Path) -> Iterator[Sink]:
    """Where rows go that are to stand in a file; nothing stands there unless all of them were written."""
    import pyarrow as pa

    form, beside = form_of(path), path.with_name(f".{path.name}-{os.getpid()}")
    if path.exists():
        raise NotReadable(str(path), "it is there already; give another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            with closing(Sink(file, form)) as sink:
                yield sink
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    except (OSError, pa.ArrowException) as error:
        raise NotReadable(str(path), f"it cannot be written: {str(error).splitlines()[0]}") from error
    finally:
        beside.unlink(missing_ok=True)
