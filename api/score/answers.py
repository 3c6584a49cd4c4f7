"""What a model says of a batch of rows, as columns beside them: the predictions, and where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from api.arrow import columns_of
from api.errors import Fault, InputRefused
from api.predictor import Predictor
from api.score.source import Batch
from api.score.texts import typed

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_FAULTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A model that is asked at some time."""

    predictor: Predictor
    at: datetime

    def rows(self, batch: Batch) -> "pa.Table":
        """The rows with what is said of them; raises `InputRefused`, whose rows are places in the file."""
        rows, matrix = self._read(batch)
        answers = self._answers(matrix)
        if taken := [name for name in rows.column_names if name in answers]:
            told = "is the name of a column that is added; take it out, or rename it"
            raise InputRefused([Fault(kind="taken", field=name, reason=told) for name in taken])
        for name, values in answers.items():
            rows = rows.append_column(name, values)
        return rows

    def _answers(self, matrix: "np.ndarray") -> "dict[str, pa.Array]":
        import numpy as np
        import pyarrow as pa

        predictor, count = self.predictor, len(matrix)
        outputs = predictor.outputs(matrix) if count else np.empty((0, predictor.width), dtype=np.float32)
        said, classes = predictor.predictions(outputs), predictor.classes
        found = {"prediction": pa.array(said)}
        if classes is not None:
            found["class"] = pa.array(np.array(classes, dtype=object)[said], pa.string())
            likely = predictor.probabilities(outputs)
            assert likely is not None
            for place, name in enumerate(classes):
                found[f"probability_{name}"] = pa.array(likely[:, place].astype(np.float64))
        card = predictor.card
        told = {"model": card.name, "version": card.version, "run": card.run_id, "inputs": card.read_from}
        found |= {name: pa.repeat(value, count) for name, value in told.items()}
        return found | {"predicted_at": pa.repeat(pa.scalar(self.at, pa.timestamp("us", "UTC")), count)}

    def _read(self, batch: Batch) -> "tuple[pa.Table, np.ndarray]":
        """The rows with the model's columns in their types, and as the model takes them."""
        try:
            return self._taken(batch.rows)
        except InputRefused as error:
            raise InputRefused(self._faults(batch, error)) from error

    def _taken(self, rows: "pa.Table") -> "tuple[pa.Table, np.ndarray]":
        predictor = self.predictor
        for column in predictor.schema.columns:
            if (place := rows.schema.get_field_index(column.name)) >= 0:
                values = rows.column(place).combine_chunks()
                rows = rows.set_column(place, column.name, typed(column, values))
        mine = rows.select([name for name in predictor.schema.fields if name in rows.column_names])
        return rows, predictor.encoding.columns(columns_of(mine, predictor.schema))

    def _faults(self, batch: Batch, error: InputRefused) -> Sequence[Fault]:
        """The first things that are wrong, each with its place in the file; rows without fault are not looked at again."""
        import pyarrow as pa

        found: list[Fault] = []
        left = batch.rows.append_column("\0place", pa.array(batch.places, pa.int64()))
        while True:
            for fault in error.faults:
                if fault.row is None:
                    return error.faults
                place = left.column(-1)[fault.row].as_py()
                found.append(Fault(kind=fault.kind, field=fault.field, reason=fault.reason, row=place))
            # A column is refused by its first wrong row: without that one, the next can be found.
            left = left.filter(_but(left.num_rows, {fault.row for fault in error.faults}))
            try:
                if len(found) < _FAULTS and left.num_rows:
                    self._taken(left.drop_columns(["\0place"]))
                return found
            except InputRefused as another:
                error = another


def _but(count: int, rows: "set[int | None]") -> "pa.Array":
    import pyarrow as pa

    return pa.array([row not in rows for row in range(count)], pa.bool_())
