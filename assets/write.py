"""How what a function returns becomes part of its table."""

from collections.abc import Iterable
from typing import Literal

from lakehouse.merge import Merge

Write = Literal["replace", "append"] | Merge
SchemaChange = Literal["fixed", "evolve"]


def merge(on: str | Iterable[str], *, delete: str | None = None, drop: str | Iterable[str] = ()) -> Merge:
    """Rows of the same key are updated, others are inserted: `write=merge(on=("id",), delete="deleted")`.

    Where the SQL expression `delete` over the returned row is true, the row of its key is deleted. The columns `drop` are
    there for that expression alone and do not become part of the table.
    """
    return Merge(on=_names(on), delete=delete, drop=_names(drop))


def wrong_merge(merge: Merge) -> tuple[str, str, str] | None:
    """The option of a merge that cannot be, what it is, and what it should be; None where all is well."""
    if not merge.on or not all(isinstance(name, str) and name for name in merge.on):
        return "on", repr(merge.on), "the names of the columns that tell a row from all others"
    if twice := sorted({name for name in merge.on if merge.on.count(name) > 1 or name in merge.drop}):
        return "on", repr(merge.on), f"each name once, and none of drop; {', '.join(map(repr, twice))} is there again"
    if merge.delete is not None and not merge.delete.strip():
        return "delete", repr(merge.delete), "a SQL expression over the columns of the returned row"
    if merge.drop and merge.delete is None:
        return "drop", repr(merge.drop), "no column, where nothing is deleted; leave it out in the function"
    return None


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
