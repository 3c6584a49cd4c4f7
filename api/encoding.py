"""From the values of a request to the row of 32-bit floats that the model takes, one row or whole columns at once."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import Fault, InputRefused
from api.expression import Expression
from api.schemas import LARGEST, Value
from api.served import Column

if TYPE_CHECKING:
    import numpy as np

Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """The model's features in its own order, each told how it comes from a request.

    A derived feature is computed, unless the row has it already, as a row of MLflow's clients has.
    """

    features: tuple[Column, ...]
    derived: Mapping[str, Expression]
    parts: tuple[Callable[[Row], float], ...]

    def row(self, values: Row) -> list[float]:
        """The features of one row; raises `InputRefused` where a derived one is not a finite number."""
        return [part(values) for part in self.parts]

    def one(self, values: Row) -> "np.ndarray":
        """The features of one row, as the only row of a matrix."""
        import numpy as np

        return np.array([self.row(values)], dtype=np.float32)

    def rows(self, rows: Sequence[Row]) -> "np.ndarray":
        """The features of many rows; what is wrong is told with the number of its row."""
        import numpy as np

        matrix = np.empty((len(rows), len(self.features)), dtype=np.float32)
        for number, values in enumerate(rows):
            try:
                matrix[number] = self.row(values)
            except InputRefused as error:
                raise InputRefused([_at(fault, number) for fault in error.faults]) from error
        return matrix

    def columns(self, columns: "Mapping[str, np.ndarray]") -> "np.ndarray":
        """The features of checked columns, in which NaN is a null."""
        import numpy as np

        count = len(next(iter(columns.values())))
        matrix = np.empty((count, len(self.features)), dtype=np.float32)
        for place, feature in enumerate(self.features):
            is_derived = feature.name in self.derived
            matrix[:, place] = self._computed(feature, columns) if is_derived else columns[feature.name]
        return matrix

    def _computed(self, feature: Column, columns: "Mapping[str, np.ndarray]") -> "np.ndarray":
        import numpy as np

        expression = self.derived[feature.name]
        found = np.broadcast_to(expression.of_columns(columns), len(next(iter(columns.values()))))
        is_null = np.logical_or.reduce([np.isnan(columns[name]) for name in expression.names] or [np.False_])
        is_wrong = ~(np.abs(found) <= LARGEST)
        if not feature.required:
            is_wrong &= ~is_null
        if is_wrong.any():
            raise InputRefused([_at(fault, int(is_wrong.argmax())) for fault in _faults(feature.name, expression)])
        return found


def encoding_of(features: Sequence[Column], derived: Mapping[str, Expression]) -> Encoding:
    """How rows are encoded for these features."""
    parts = tuple(
        _derived(feature, derived[feature.name]) if feature.name in derived else _given(feature) for feature in features
    )
    return Encoding(features=tuple(features), derived=derived, parts=parts)


def codes_of(column: Column) -> dict[str, float]:
    """The number by which the model knows each category."""
    return {name: float(number) for number, name in enumerate(column.categories)}


def _given(feature: Column) -> Callable[[Row], float]:
    name = feature.name
    codes = codes_of(feature)

    def value(values: Row) -> float:
        found = values.get(name)
        if found is None:
            return math.nan
        return codes[found] if isinstance(found, str) else found

    return value


def _derived(feature: Column, expression: Expression) -> Callable[[Row], float]:
    def value(values: Row) -> float:
        given = values.get(feature.name)
        if given is not None and not isinstance(given, str):
            return given
        numbers = {name: _number(values.get(name)) for name in expression.names}
        try:
            found = expression(numbers)
        except ArithmeticError:
            found = math.nan
        if -LARGEST <= found <= LARGEST:
            return found
        if not feature.required and any(map(math.isnan, numbers.values())):
            return math.nan
        raise InputRefused(_faults(feature.name, expression))

    return value


def _number(value: Value) -> float:
    return math.nan if value is None or isinstance(value, str) else value


def _faults(feature: str, expression: Expression) -> list[Fault]:
    reason = f"{feature} = {expression.text} is not a finite number for these values"
    return [Fault(kind="derived_not_finite", field=name, reason=reason) for name in expression.names]


def _at(fault: Fault, row: int) -> Fault:
    return Fault(kind=fault.kind, field=fault.field, reason=fault.reason, row=row)
