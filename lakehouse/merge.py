"""What a merge does with the rows of a frame, and which rows cannot be merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.errors import KeysRefused, SchemaRefused
from lakehouse.schema import Schema, worded

DELETED = "__lakeline_deleted"
"""The column that marks, on its way into a table, the rows whose like are deleted there."""

EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Rows of the same key are updated, others are inserted.

    Where the SQL expression `delete` over the incoming row is true, the row of its key is deleted, and none is inserted.
    The columns `drop` are there for that expression alone and do not become part of the table.
    """

    on: tuple[str, ...]
    delete: str | None = None
    drop: tuple[str, ...] = ()


def check_key_columns(location: str, merge: Merge, frame: Schema) -> None:
    """Refuses a frame without the columns that a merge names, or whose keys cannot be told apart alike by all engines."""
    wrong = [f"it has no column {name!r}, which is part of the key" for name in merge.on if name not in frame]
    wrong += [f"it has no column {name!r} to drop" for name in merge.drop if name not in frame]
    for name in merge.on:
        kind = frame.get(name, "long")
        if kind in {"float", "double"} or not isinstance(kind, str):
            wrong.append(
                f"its key {name!r} is {worded(kind)}, which is no key; cast it to a string, decimal or whole number"
            )
    wrong += [f"its column {name!r} has the name of the mark of a merge; rename it" for name in frame if _is_mark(name)]
    if wrong:
        raise SchemaRefused(location, "; ".join(wrong))


def _is_mark(name: str) -> bool:
    return name.lower() == DELETED


def check_keys(location: str, merge: Merge, wrong: Sequence[Mapping[str, object]]) -> None:
    """Refuses keys that were found to be NULL in part, which equal no row for ever, or to stand in several rows."""
    if not wrong:
        return
    null = [key for key in wrong if any(value is None for value in key.values())]
    told = ", ".join("(" + ", ".join(f"{k}={v!r}" for k, v in key.items()) + ")" for key in (null or wrong)[:EXAMPLES])
    raise KeysRefused(location, merge.on, "hold NULL" if null else "stand in more than one row", told)


def check_keys_are_old(location: str, merge: Merge, added: Sequence[str]) -> None:
    """Refuses a key that the table does not have yet: no row of it could be found by that."""
    if new := [name for name in merge.on if name in added]:
        raise SchemaRefused(location, f"its key {', '.join(map(repr, new))} is no column of the table")
