"""The names of column types: one spelling for what engines, Arrow and pandas spell differently."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

ANY = "any"
"""A column of this type may hold anything."""

_SAME_TYPES = {
    "varchar": "string",
    "text": "string",
    "integer": "int",
    "long": "bigint",
    "short": "smallint",
    "byte": "tinyint",
    "bool": "boolean",
    "float8": "double",
    "real": "float",
    "blob": "binary",
    "timestamp with time zone": "timestamp",
    "timestamptz": "timestamp",
    "timestamp_ntz": "timestamp without time zone",
}
_OF_ARROW = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
    "binary": "binary",
    "large_binary": "binary",
    "date32[day]": "date",
}
_NESTED = re.compile(r"(array|struct|map)\s*[<(](.*)[>)]", re.DOTALL)


def same_type(name: str) -> str:
    """One spelling for the types that the engines spell differently, also inside of lists and structs.

    >>> same_type("VARCHAR") == same_type("string")
    True
    >>> same_type("STRUCT(a INTEGER, b VARCHAR[])")
    'struct<a:int,b:array<string>>'
    """
    lowered = name.strip().lower()
    if lowered.endswith("[]"):
        return f"array<{same_type(lowered[:-2])}>"
    nested = _NESTED.fullmatch(lowered)
    if nested is None:
        return _SAME_TYPES.get(lowered, re.sub(r"\s*([(),])\s*", r"\1", lowered))
    kind, inner = nested.groups()
    parts = _parts(inner)
    told = [_field(part) for part in parts] if kind == "struct" else [same_type(part) for part in parts]
    return f"{kind}<{','.join(told)}>"


def fits(found: str, wanted: str) -> bool:
    """Whether a type is the wanted one, or one of several, as in `date | timestamp`."""
    return any(kind.strip() == ANY or same_type(kind) == same_type(found) for kind in wanted.split("|"))


def of_arrow(kind: "pa.DataType") -> str | None:
    """The SQL name of an Arrow type; None for one that Delta tables do not hold."""
    from pyarrow import types

    if types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if types.is_timestamp(kind):
        return "timestamp" if kind.tz else "timestamp_ntz | timestamp"
    if types.is_list(kind) or types.is_large_list(kind):
        inner = [of_arrow(kind.value_type)]
    elif types.is_map(kind):
        inner = [of_arrow(kind.key_type), of_arrow(kind.item_type)]
    elif types.is_struct(kind):
        inner = [of_arrow(field.type) for field in kind]
    else:
        return _OF_ARROW.get(str(kind))
    plain = [part.split(" | ")[0] for part in inner if part is not None]
    if len(plain) < len(inner):
        return None
    if types.is_struct(kind):
        return f"struct<{','.join(f'{field.name}:{part}' for field, part in zip(kind, plain, strict=True))}>"
    return f"{'map' if types.is_map(kind) else 'array'}<{','.join(plain)}>"


def _parts(inner: str) -> list[str]:
    """What commas separate, but for those inside of brackets and of quoted names."""
    parts, depth, quoted = [""], 0, False
    for letter in inner:
        quoted = quoted != (letter in '"`')
        depth += 0 if quoted else (letter in "<(") - (letter in ">)")
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _field(part: str) -> str:
    """A field of a struct: `name: type` in Spark's words, `name type` or `"its name" type` in DuckDB's."""
    named = (
        re.fullmatch(r'("[^"]*"|`[^`]*`)\s*:?\s*(.*)', part, re.DOTALL)
        or re.fullmatch(r"([^:]+?)\s*:\s*(.*)", part, re.DOTALL)
        or re.fullmatch(r"(\S+)\s+(.*)", part, re.DOTALL)
    )
    return f"{named[1].strip(chr(34) + '`')}:{same_type(named[2])}" if named else part
