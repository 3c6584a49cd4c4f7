"""The table `ops.prediction_log`: one row per answer, and a column per feature of every model that ever answered.

A feature's column is named for what it holds: `feature_<name>` numbers, `text_<name>` text, `hashed_<name>` the hash of a
personal value. So a model that takes other features adds columns, and one that takes the same name in another type does not
clash with what is there. `request_id` and `row` together name one answer, as far as clients give each request an id of its own;
rows that were logged before there was a `row` have none.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from api.log.line import Line

if TYPE_CHECKING:
    import pyarrow as pa

KEY = "ops.prediction_log"
_NUMBERS = (int, float)  # a bool is one, too
_DOUBLES = frozenset({float, type(None)})


def table_of(lines: Iterable[Line]) -> "pa.Table":
    """One row or more as the table takes them; those of one model keep their order."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Line]] = defaultdict(list)
    for line in lines:
        alike[tuple(line.features), tuple(line.hashed)].append(line)
    return together([_table(features, hashed, group) for (features, hashed), group in alike.items()])


def together(tables: "Sequence[pa.Table]") -> "pa.Table":
    """The rows of all, with the columns of each; what a row has not is NULL."""
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="default")


@lru_cache(maxsize=256)
def columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """The part of a column's name that each feature gives: lower case, and what every reader of Delta takes unquoted.

    >>> columns(("sepal length (cm)", "Width", "width"))
    ('sepal_length_cm', 'width', 'width_2')
    """
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W+", "_", name).strip("_").lower() or "unnamed"
        number, column = 1, plain
        while column in found:
            number += 1
            column = f"{plain}_{number}"
        found.append(column)
    return tuple(found)


def _table(features: tuple[str, ...], hashed: tuple[str, ...], lines: Sequence[Line]) -> "pa.Table":
    import pyarrow as pa

    told = dict(zip(Line._fields, zip(*lines, strict=True), strict=True))
    made = {
        "at": pa.array(told["at"], pa.int64()).cast(pa.timestamp("us", "UTC")),
        "request_id": _texts(told["request_id"]),
        "row": pa.array(told["row"], pa.int64()),
        "model": _texts(told["model"]),
        "version": pa.array(told["version"], pa.int64()),
        "variant": _texts(told["variant"]),
        "prediction": pa.array(map(_number, told["prediction"]), pa.float64()),
        "prediction_text": _texts(map(_text, told["prediction"])),
        "probabilities": pa.array(told["probabilities"], pa.list_(pa.float64())),
        "latency_seconds": pa.array(told["latency_seconds"], pa.float64()),
    }
    rows = [line.features.values() for line in lines]
    for name, values in zip(columns(features), zip(*rows, strict=True), strict=True) if features else ():
        made |= _feature(name, values)
    hashes = [line.hashed.values() for line in lines]
    for name, digests in zip(columns(hashed), zip(*hashes, strict=True), strict=True) if hashed else ():
        made[f"hashed_{name}"] = pa.array(digests, pa.string())
    return pa.table(made)


def _feature(name: str, values: tuple[object, ...]) -> "dict[str, pa.Array]":
    """The columns of one feature: of numbers, of text, or of both where the rows have both."""
    import pyarrow as pa

    if set(map(type, values)) <= _DOUBLES:  # nearly always
        return {f"feature_{name}": pa.array(values, pa.float64())} if any(value is not None for value in values) else {}
    made = {}
    numbers, texts = list(map(_number, values)), list(map(_text, values))
    if any(value is not None for value in numbers):
        made[f"feature_{name}"] = pa.array(numbers, pa.float64())
    if any(value is not None for value in texts):
        made[f"text_{name}"] = _texts(texts)
    return made


def _number(value: object) -> float | None:
    if not isinstance(value, _NUMBERS):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer beyond every double is kept as its digits
        return None


def _text(value: object) -> str | None:
    if value is None or _number(value) is not None:
        return None
    return str(value)


def _texts(values: Iterable[str | None]) -> "pa.Array":
    """Text as UTF-8, which half a surrogate pair, as JSON can spell one, has no place in."""
    import pyarrow as pa

    whole = [value if value is None else value.encode(errors="replace").decode() for value in values]
    return pa.array(whole, pa.string())
