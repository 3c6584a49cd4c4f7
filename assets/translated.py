"""Translates a Pandera schema into checks that every engine runs; what has no translation is refused by its name.

Pandera itself is never imported: an author who hands a schema has imported it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from assets.check import Rows, Unique
from assets.errors import BadOption, Where
from lakehouse.audit import Otherwise


class PanderaCheck(Protocol):
    """One check of a Pandera column."""

    name: str | None
    statistics: Mapping[str, object]
    ignore_na: bool
    raise_warning: bool


class PanderaColumn(Protocol):
    """One column of a Pandera schema."""

    dtype: object
    nullable: bool
    unique: bool
    checks: Sequence[PanderaCheck]


class PanderaSchema(Protocol):
    """A Pandera DataFrameSchema, or the class of a DataFrameModel, which makes one."""

    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """The columns that are wanted with their SQL types, whether only these, and the checks of their rows."""

    columns: Mapping[str, str]
    only: bool
    checks: tuple[Rows | Unique, ...]


_TYPES = {
    "bool": "boolean",
    "boolean": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float32": "float",
    "float64": "double",
    "str": "string",
    "string": "string",
    "object": "any",
    "date": "date",
    "decimal": "decimal",
}
_REFUSED_OF_COLUMN = {"coerce": False, "regex": False, "required": True, "default": None, "parsers": None}
_REFUSED_OF_SCHEMA = {
    "coerce": False,
    "ordered": False,
    "index": None,
    "checks": None,
    "parsers": None,
    "dtype": None,
    "add_missing_columns": False,
    "drop_invalid_rows": False,
}


def is_pandera(value: object) -> bool:
    """Whether it is a Pandera schema or model."""
    kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
    return any(kind.__module__.partition(".")[0] == "pandera" for kind in kinds)


def translated(where: Where, given: object, otherwise: Otherwise) -> Translated:
    """What a Pandera schema asks, in our words."""
    schema = given.to_schema() if isinstance(given, type) and hasattr(given, "to_schema") else given
    title = f"the Pandera schema {getattr(schema, 'name', None) or type(schema).__name__}"
    _refuse(where, title, schema, _REFUSED_OF_SCHEMA)
    if (strict := getattr(schema, "strict", False)) not in {True, False}:
        raise BadOption(where, f"strict of {title}", repr(strict), "True or False")
    columns: dict[str, str] = {}
    checks: list[Rows | Unique] = []
    for name, column in getattr(schema, "columns", {}).items():
        place = f"column {name!r} of {title}"
        _refuse(where, place, column, _REFUSED_OF_COLUMN)
        columns[name] = _sql_type(where, place, column.dtype)
        checks += _of_column(where, place, name, column, columns[name], otherwise)
    if alike := getattr(schema, "unique", None):
        checks.append(Unique(columns=(alike,) if isinstance(alike, str) else tuple(alike), otherwise=otherwise))
    return Translated(columns=columns, only=bool(strict), checks=tuple(dict.fromkeys(checks)))


def _refuse(where: Where, place: str, found: object, neutral: Mapping[str, object]) -> None:
    for option, value in neutral.items():
        given = getattr(found, option, value)
        if given and option == "checks" and isinstance(given, list):
            names = ", ".join(repr(check.name) for check in given)
            raise BadOption(
                where, f"a check of {place}", names, "checks of columns; a check of a whole frame is a custom(...)"
            )
        is_absent = given is None or (isinstance(given, list) and not given)
        if not is_absent if value is None else given != value:
            raise BadOption(
                where, f"{option} of {place}", repr(given), f"{value!r}, for the asset's function does that"
            )


def _sql_type(where: Where, place: str, dtype: object) -> str:
    words = str(dtype).lower() if dtype is not None else "object"
    base = words.split("[")[0]
    if base in {"datetime64", "timestamp"}:
        return "timestamp" if "," in words else "timestamp | timestamp_ntz"
    if base == "decimal" or words.startswith("decimal("):
        return words.replace(" ", "") if "(" in words else "any"
    if base in _TYPES:
        return _TYPES[base]
    raise BadOption(where, f"the dtype of {place}", repr(str(dtype)), f"one of {', '.join(_TYPES)}, datetime64")


def _of_column(
    where: Where, place: str, name: str, column: PanderaColumn, kind: str, otherwise: Otherwise
) -> Iterable[Rows | Unique]:
    is_float = kind in {"float", "double"}  # for pandas a NaN is absent
    absent = "({0} IS NULL OR isnan({0}))" if is_float else "{0} IS NULL"
    if not column.nullable:
        label = f"{name} is not null"
        yield Rows(expression=f"NOT {absent}", columns=(name,), label=label, otherwise=otherwise)
    if column.unique:
        yield Unique(columns=(name,), otherwise=otherwise)
    for check in column.checks:
        found = _CONDITIONS.get(str(check.name))
        try:
            if found is None or getattr(check, "groupby", None):
                raise KeyError(check.name)
            condition = found(dict(check.statistics))
        except (KeyError, TypeError, ValueError) as error:
            wanted = (
                f"one of {', '.join(_CONDITIONS)}, of plain values; for anything else write rows(...) or custom(...)"
            )
            raise BadOption(where, f"a check of {place}", repr(check.name or "?"), wanted) from error
        told = ", ".join(f"{key}={value!r}" for key, value in check.statistics.items() if value is not None)
        yield Rows(
            expression=f"{absent} OR ({condition})" if check.ignore_na else condition,
            columns=(name,),
            label=f"{name} {check.name}({told})",
            otherwise="warn" if check.raise_warning else otherwise,
        )


def _value(value: object) -> str:
    """A value as SQL that both engines read alike, with its braces doubled."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value) if "e" in repr(value) else f"{value!r}e0"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return _text(value)
    raise ValueError(value)


def _text(text: str) -> str:
    """A text without what one engine reads otherwise than the other: a backslash or a quote inside of quotes."""
    parts: list[str] = []
    for letter in text:
        if letter in "\\'":
            parts.append(f"chr({ord(letter)})")
        elif parts and parts[-1].startswith("'"):
            parts[-1] = f"{parts[-1][:-1]}{letter}'"
        else:
            parts.append(f"'{letter}'")
    sql = f"concat({', '.join(parts)})" if len(parts) > 1 else "".join(parts) or "''"
    return sql.replace("{", "{{").replace("}", "}}")


def _between(told: dict[str, object]) -> str:
    low = ">=" if told.get("include_min", True) else ">"
    high = "<=" if told.get("include_max", True) else "<"
    return f"{{0}} {low} {_value(told['min_value'])} AND {{0}} {high} {_value(told['max_value'])}"


def _among(values: object) -> str:
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise TypeError(values)
    return f"{{0}} IN ({', '.join(map(_value, values))})"


def _length(told: dict[str, object]) -> str:
    bounds = [(">=", told.get("min_value")), ("<=", told.get("max_value")), ("=", told.get("exact_value"))]
    return " AND ".join(f"length({{0}}) {sign} {_value(bound)}" for sign, bound in bounds if bound is not None)


def _pattern(value: object) -> str:
    return str(getattr(value, "pattern", value))


_CONDITIONS: Mapping[str, Callable[[dict[str, object]], str]] = {
    "equal_to": lambda told: f"{{0}} = {_value(told['value'])}",
    "not_equal_to": lambda told: f"{{0}} <> {_value(told['value'])}",
    "greater_than": lambda told: f"{{0}} > {_value(told['min_value'])}",
    "greater_than_or_equal_to": lambda told: f"{{0}} >= {_value(told['min_value'])}",
    "less_than": lambda told: f"{{0}} < {_value(told['max_value'])}",
    "less_than_or_equal_to": lambda told: f"{{0}} <= {_value(told['max_value'])}",
    "in_range": _between,
    "isin": lambda told: _among(told["allowed_values"]),
    "notin": lambda told: f"NOT ({_among(told['forbidden_values'])})",
    "str_matches": lambda told: f"regexp_like({{0}}, {_text('^(?:' + _pattern(told['pattern']) + ')')})",
    "str_contains": lambda told: f"regexp_like({{0}}, {_text(_pattern(told['pattern']))})",
    "str_startswith": lambda told: f"left({{0}}, {len(str(told['string']))}) = {_text(str(told['string']))}",
    "str_endswith": lambda told: f"right({{0}}, {len(str(told['string']))}) = {_text(str(told['string']))}",
    "str_length": _length,
}
