"""Predicting a file: rows in, the same rows with their predictions out, whole or not at all."""

from datetime import UTC, datetime
from pathlib import Path

from api.errors import Fault, InputRefused
from api.predictor import Predictor
from api.score.answers import Answering
from api.score.sink import whole_file
from api.score.source import ROWS, batches, form_of
from lakehouse.errors import NotReadable


def predict_file(predictor: Predictor, source: Path, to: Path, *, count: int = ROWS) -> int:
    """Writes each row of a CSV or Parquet file with what the model says of it; how many there were."""
    answering, rows = Answering(predictor=predictor, at=datetime.now(UTC)), 0
    with whole_file(to) as sink:
        for batch in batches(source, count):
            try:
                sink.write(answering.rows(batch))
            except InputRefused as error:
                raise NotReadable(str(source), _told(source, error)) from error
            rows += batch.rows.num_rows
    return rows


def _told(source: Path, error: InputRefused) -> str:
    unit = "line" if form_of(source) == "csv" else "row"
    return "; ".join(_worded(unit, fault) for fault in error.faults)


def _worded(unit: str, fault: Fault) -> str:
    places = [f"{unit} {fault.row}"] if fault.row is not None else []
    places += [f"column {fault.field!r}"] if fault.field else []
    return f"{', '.join(places)}: {fault.reason}"
