"""Texts, as CSV and the terminal have them, as values of the type that a column of the model has."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from api.errors import Fault, InputRefused
from api.served import Column

if TYPE_CHECKING:
    import pyarrow as pa

_WORDS = {"true": True, "false": False, "1": True, "0": False}
_EXACT = 2**53
"""Up to here every whole number is a float of its own."""


def typed(column: Column, texts: "pa.Array") -> "pa.Array":
    """A column's values; raises `InputRefused` with the first row whose text is none of its type."""
    import pyarrow as pa

    if column.type == "string" or not pa.types.is_string(texts.type):
        return texts
    if column.type == "boolean":
        return pa.array(_each(column, texts, _truth, "wanted true or false"), pa.bool_())
    if column.type in ("long", "integer"):
        return pa.array(_each(column, texts, _whole, "wanted a whole number"), pa.int64())
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return pa.array(_each(column, texts, _number, "wanted a number"), pa.float64())


def _each(column: Column, texts: "pa.Array", value: Callable[[str], object], wanted: str) -> list[object]:
    found: list[object] = []
    for row, text in enumerate(texts.to_pylist()):
        try:
            found.append(None if text is None else value(text.strip()))
        except (ValueError, KeyError) as error:
            reason = f"{wanted}; found {text[:100]!r}"
            raise InputRefused([Fault(kind="text", field=column.name, reason=reason, row=row)]) from error
    return found


def _truth(text: str) -> bool:
    return _WORDS[text.lower()]


def _number(text: str) -> float:
    if "_" in text:  # which Python's own spelling allows
        raise ValueError
    return float(text)


def _whole(text: str) -> int:
    """A whole number, also where it was written as a float, as by a program that has no null among its integers."""
    try:
        found = _number(text)
        if not found.is_integer():
            raise ValueError
        whole = int(found) if abs(found) < _EXACT else int(text)
    except OverflowError as error:
        raise ValueError from error
    if not -(2**63) <= whole < 2**63:
        raise ValueError
    return whole
