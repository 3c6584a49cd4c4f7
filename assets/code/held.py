"""What arrays and tables of numpy, pandas and Arrow hold, as words; only where all of it can be told."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

_PLAIN = (str, bytes, int, float, complex, bool, type(None), Decimal, date, datetime, time, timedelta)
_EXACT = frozenset(_PLAIN)
_OF_PANDAS = frozenset({"Timestamp", "Timedelta", "NaTType", "NAType", "Interval", "Period"})


def held(value: object) -> tuple[str, ...] | None:
    """The words; None for a value of another type, and for one that holds what has no exact words."""
    package, name = str(type(value).__module__).partition(".")[0], type(value).__name__
    if package == "numpy":
        return _of_numpy(value)
    if package == "pandas" and (name in {"DataFrame", "Series"} or name.endswith("Index")):
        return _of_pandas(value)
    if package == "pyarrow" and name in {"Table", "RecordBatch", "ChunkedArray"}:
        return _of_arrow(value)
    return None


def _of_numpy(value: object) -> tuple[str, ...] | None:
    """By the bytes; what has fields may hold gaps between them, and what has objects their addresses."""
    import numpy as np

    if not (type(value) is np.ndarray or isinstance(value, np.generic)):
        return None
    kind = value.dtype
    told = ("numpy", ascii(kind.descr), ascii(value.shape))
    if kind.names is None and not kind.hasobject:
        return (*told, hashlib.sha256(value.tobytes()).hexdigest())
    return _and(told, np.asarray(value).ravel().tolist())


def _of_pandas(value: object) -> tuple[str, ...] | None:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        columns = [value.iloc[:, place] for place in range(value.shape[1])]
        words = ["frame"]
        for part in (value.columns, value.index, *columns):
            if (found := _of_pandas(part)) is None:
                return None
            words += found
        return tuple(words)
    if not isinstance(value, pd.Series | pd.Index):
        return None
    told: tuple[str, ...] | None = (type(value).__name__, str(value.dtype))
    categories: list[object] = []
    if isinstance(value.dtype, pd.CategoricalDtype):
        categories = [value.dtype.ordered, *value.dtype.categories.tolist()]
    names = list(value.names) if isinstance(value, pd.Index) else [value.name]
    for values in (names, categories, value.tolist()):
        told = None if told is None else _and(told, values)
    return told


def _of_arrow(value: object) -> tuple[str, ...] | None:
    import pyarrow as pa

    if isinstance(value, pa.ChunkedArray):
        return _and(("arrow", str(value.type)), value.to_pylist())
    assert isinstance(value, pa.Table | pa.RecordBatch)
    told = ("arrow", value.schema.to_string(truncate_metadata=False))
    return _and(told, (part for column in value.columns for part in column.to_pylist()))


def _and(told: tuple[str, ...], values: Iterable[object]) -> tuple[str, ...] | None:
    """The words with one more, that stands for all the values; None where one of them has no exact words."""
    digest = hashlib.sha256()
    for value in values:
        if not _is_exact(value):
            return None
        word = ascii(value).encode()
        digest.update(b"%d:%b" % (len(word), word))
    return (*told, digest.hexdigest())


def _is_exact(value: object) -> bool:
    kind = type(value)
    if kind in {list, tuple}:
        return all(map(_is_exact, value))  # type: ignore[call-overload]
    if kind is dict:
        return all(_is_exact(part) for pair in value.items() for part in pair)  # type: ignore[attr-defined]
    return kind in _EXACT or (kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in _OF_PANDAS)
