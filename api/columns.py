"""Whole columns of foreign arrays, checked against what the model takes, as 64-bit floats in which NaN is a null."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from api.encoding import codes_of
from api.errors import Fault, InputRefused
from api.schemas import LARGEST, RequestSchema, reason_of_category
from api.served import Column

if TYPE_CHECKING:
    import numpy as np

_KINDS: Mapping[str, tuple[str, str]] = {
    "double": ("fiu", "numbers"),
    "float": ("fiu", "numbers"),
    "long": ("iu", "whole numbers"),
    "integer": ("iu", "whole numbers"),
    "boolean": ("b", "true or false"),
    "string": ("OU", "texts"),
}


def check_names(schema: RequestSchema, found: Sequence[str]) -> None:
    """Raises `InputRefused` for columns that are missing, unknown, or there twice."""
    known = {column.name for column in schema.columns}
    faults = [
        Fault(kind="missing", field=column.name, reason="is required")
        for column in schema.columns
        if column.required and column.name not in found
    ]
    takes = f"is not a field of this model; it takes {', '.join(schema.fields)}"
    faults += [
        Fault(kind="extra_forbidden", field=name[:100], reason=takes)
        for name in dict.fromkeys(found)
        if name not in known
    ]
    faults += [
        Fault(kind="twice", field=name[:100], reason="is there twice")
        for name in dict.fromkeys(found)
        if found.count(name) > 1
    ]
    if faults:
        raise InputRefused(faults[:100])


def checked(column: Column, values: "np.ndarray", is_null: "np.ndarray | None" = None) -> "np.ndarray":
    """A column's values; raises `InputRefused` with the first row that is not as wanted."""
    import numpy as np

    kinds, wanted = _KINDS[column.type]
    if values.dtype.kind not in kinds:
        found = f"wanted {wanted}; found {values.dtype.name}"
        raise InputRefused([Fault(kind="column_type", field=column.name, reason=found)])
    if is_null is None:
        is_null = np.zeros(len(values), dtype=bool)
    if column.required and is_null.any():
        _refuse(column, is_null, "null", "is null, and no row of the training had none")
    if column.type == "string":
        return coded(column, values, is_null)
    numbers = values.astype(np.float64)
    if column.type in ("long", "integer"):
        _check_whole(column, values, is_null)
    _refuse(column, ~np.isfinite(numbers) & ~is_null, "finite_number", "wanted a finite number")
    _refuse(column, (np.abs(numbers) > LARGEST) & ~is_null, "number_range", "is too large for the model")
    numbers[is_null] = np.nan
    return numbers


def coded(column: Column, values: "np.ndarray", is_null: "np.ndarray") -> "np.ndarray":
    """The numbers by which the model knows texts."""
    import numpy as np

    codes = codes_of(column)
    found = np.array([codes.get(value, np.nan) for value in values.tolist()], dtype=np.float64)
    found[is_null] = np.nan
    _refuse(column, np.isnan(found) & ~is_null, "literal_error", reason_of_category(column))
    return found


def absent(column: Column, count: int) -> "np.ndarray":
    """A column that was left out, as one may be of which some row of the training had nothing."""
    import numpy as np

    assert not column.required
    return np.full(count, np.nan)


def _check_whole(column: Column, values: "np.ndarray", is_null: "np.ndarray") -> None:
    bound = 2**31 if column.type == "integer" else 2**63
    is_wrong = (values < -bound) | (values > bound - 1)
    _refuse(column, is_wrong & ~is_null, "number_range", "is too large for the model")


def _refuse(column: Column, is_wrong: "np.ndarray", kind: str, reason: str) -> None:
    if is_wrong.any():
        raise InputRefused([Fault(kind=kind, field=column.name, reason=reason, row=int(is_wrong.argmax()))])
