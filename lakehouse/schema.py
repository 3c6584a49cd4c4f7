"""Which columns a frame brings to a table, and whether they fit; types are Delta's own, as its log words them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.errors import SchemaRefused

Schema = Mapping[str, object]
"""The type of each column, by name: a word such as `long`, or where it is nested what Delta's JSON says of it."""

_WORDS = frozenset(
    {"byte", "short", "integer", "long", "float", "double", "string", "binary", "boolean", "date", "timestamp"}
    | {"timestamp_ntz"}
)
_WIDER: Mapping[str, tuple[str, ...]] = {
    "byte": ("short", "integer", "long"),
    "short": ("integer", "long"),
    "integer": ("long",),
    "float": ("double",),
}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_MOST_DIGITS = 38
_NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The columns of a frame in the order of the table, those that are new to it last.

    The value is the type to cast to, where the table's is wider; None where the column is as it should be.
    """

    columns: Mapping[str, str | None]
    added: tuple[str, ...] = ()


def check_frame(location: str, names: Sequence[str], schema: Schema) -> None:
    """Refuses a frame that would be no Delta table to every reader."""
    wrong = clashes(names) or tuple(
        f"column {name!r} is {worded(schema[name])}, a type that Delta does not know; cast it in the function"
        for name in names
        if not _is_known(schema[name])
    )
    if wrong:
        raise SchemaRefused(location, "; ".join(wrong))


def clashes(names: Sequence[str]) -> tuple[str, ...]:
    """What is wrong with names that Spark and DuckDB take for one, or that are none to DuckDB.

    >>> clashes(["id", "Id"])
    ("columns 'id' and 'Id' are one name to Spark and DuckDB; rename one of them",)
    """
    first: dict[str, str] = {}
    strange = tuple(
        f"a column is named {name!r}, which DuckDB keeps under another name; rename it"
        for name in names
        if not name or "\0" in name
    )
    return strange + tuple(
        f"columns {first[name.lower()]!r} and {name!r} are one name to Spark and DuckDB; rename one of them"
        for place, name in enumerate(names)
        if first.setdefault(name.lower(), name) != name or name in names[:place]
    )


def fit(location: str, table: Schema, frame: Schema, *, evolve: bool) -> Fit:
    """How a frame becomes part of a table; refuses what would lose or misread a value, and names each such column.

    Order does not matter. A narrower type is widened to the table's. New columns and missing ones, which are NULL, are taken
    where the table may evolve.
    """
    spelled = {name.lower(): name for name in table}
    wrong = []
    for name, found in frame.items():
        own = spelled.get(name.lower())
        if own is None:
            if not evolve:
                wrong.append(
                    f"column {name!r} ({worded(found)}) is new; leave it out, or let the table grow: schema='evolve'"
                )
        elif own != name:
            wrong.append(
                f"column {name!r} is spelled {own!r} in the table; rename it, for case alone makes no other column"
            )
        elif _cast(found, table[name]) is _NO:
            wrong.append(f"column {name!r} is {worded(found)}, wanted {worded(table[name])}; cast it in the function")
    came = {name.lower() for name in frame}
    if not evolve:
        wrong += [
            f"column {name!r} ({worded(kind)}) is missing; bring it, or leave it NULL: schema='evolve'"
            for name, kind in table.items()
            if name.lower() not in came
        ]
    if wrong:
        raise SchemaRefused(location, "; ".join(wrong))
    added = tuple(name for name in frame if name not in table)
    kept = {name: _cast(frame[name], kind) for name, kind in table.items() if name in frame}
    return Fit(columns={**kept, **dict.fromkeys(added)}, added=added)


def joint(location: str, table: Schema, frame: Schema) -> Schema:
    """The columns of a table that holds the rows of both and changes no value; refuses what one column cannot hold."""
    types = {name: _wider(kind, frame.get(name, kind)) for name, kind in table.items()}
    if wrong := [
        f"column {name!r} is {worded(frame[name])}, and rows that are there hold {worded(table[name])}, which no column holds "
        "both; take those rows out, or cast it in the function"
        for name, kind in types.items()
        if kind is _NO
    ]:
        raise SchemaRefused(location, "; ".join(wrong))
    return {**types, **{name: kind for name, kind in frame.items() if name not in table}}


def worded(kind: object) -> str:
    """A type as a person writes it.

    >>> worded({"type": "array", "elementType": "long", "containsNull": True})
    'array<long>'
    """
    if not isinstance(kind, Mapping):
        return str(kind)
    if kind["type"] == "array":
        return f"array<{worded(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{worded(kind['keyType'])}, {worded(kind['valueType'])}>"
    fields = kind.get("fields")
    if kind["type"] == "struct" and isinstance(fields, list):
        told = (f"{field['name']}: {worded(field['type'])}" for field in fields)
        return f"struct<{', '.join(told)}>"
    return str(kind["type"])


def _cast(found: object, wanted: object) -> str | None:
    """The type to cast to, None where there is nothing to cast, `_NO` where a value could be lost or misread."""
    if worded(found) == worded(wanted):
        return None
    if not isinstance(found, str) or not isinstance(wanted, str):
        return _NO
    own, other = _DECIMAL.fullmatch(found), _DECIMAL.fullmatch(wanted)
    if own and other:
        places = int(other[2]) >= int(own[2])
        whole = int(other[1]) - int(other[2]) >= int(own[1]) - int(own[2])
        return wanted if places and whole else _NO
    return wanted if wanted in _WIDER.get(found, ()) else _NO


def _wider(one: object, other: object) -> object:
    """The type that holds the values of both; `_NO` where there is none."""
    if _cast(other, one) is not _NO:
        return one
    if _cast(one, other) is not _NO:
        return other
    decimals = [_DECIMAL.fullmatch(kind) for kind in (one, other) if isinstance(kind, str)]
    sizes = [(int(found[1]) - int(found[2]), int(found[2])) for found in decimals if found]
    if len(sizes) < 2:
        return _NO
    whole, places = (max(numbers) for numbers in zip(*sizes, strict=True))
    return f"decimal({whole + places},{places})" if whole + places <= _MOST_DIGITS else _NO


def _is_known(kind: object) -> bool:
    if isinstance(kind, str):
        return kind in _WORDS or _DECIMAL.fullmatch(kind) is not None
    if not isinstance(kind, Mapping):
        return False
    if kind["type"] == "array":
        return _is_known(kind["elementType"])
    if kind["type"] == "map":
        return _is_known(kind["keyType"]) and _is_known(kind["valueType"])
    return kind["type"] == "struct" and all(_is_known(field["type"]) for field in kind["fields"])
