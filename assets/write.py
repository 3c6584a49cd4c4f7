"""How what a function returns becomes part of its table."""

from collections.abc import Iterable
from typing import Literal, get_args

from assets.errors import BadOption, Where
from assets.options import check_one_of
from lakehouse.merge import Merge

Write = Literal["replace", "append"] | Merge
SchemaChange = Literal["fixed", "evolve"]


def merge(on: str | Iterable[str], *, delete: str | None = None, drop: str | Iterable[str] = ()) -> Merge:
    """Rows of the same key are updated, others are inserted: `write=merge(on=("id",), delete="deleted")`.

    Where the SQL expression `delete` over the returned row is true, the row of its key is deleted. The columns `drop` are
    there for that expression alone and do not become part of the table.
    """
    return Merge(on=_names(on), delete=delete, drop=_names(drop))


def check_write(where: Where, write: Write, schema: SchemaChange) -> None:
    """Refuses a way to write that cannot be."""
    check_one_of(where, "schema", schema, get_args(SchemaChange))
    if isinstance(write, Merge):
        _check_merge(where, write)
    elif write not in ("replace", "append"):
        raise BadOption(where, "write", repr(write), "one of 'replace', 'append', merge(on=...)")
    elif write == "replace" and schema == "evolve":
        wanted = "write='append' or merge(...) beside it; a table that is replaced takes the columns of the frame"
        raise BadOption(where, "schema", repr(schema), wanted)


def _check_merge(where: Where, merge: Merge) -> None:
    if not merge.on or not all(isinstance(name, str) and name for name in merge.on):
        wanted = "the names of the columns that tell a row from all others"
        raise BadOption(where, "on of merge(...)", repr(merge.on), wanted)
    if not all(isinstance(name, str) and name for name in merge.drop):
        raise BadOption(where, "drop of merge(...)", repr(merge.drop), "names of columns of the returned row")
    if twice := sorted({name for name in merge.on if merge.on.count(name) > 1 or name in merge.drop}):
        wanted = f"each name once, and none of drop; {', '.join(map(repr, twice))} is there again"
        raise BadOption(where, "on of merge(...)", repr(merge.on), wanted)
    if merge.delete is not None and not (isinstance(merge.delete, str) and merge.delete.strip()):
        wanted = "a SQL expression over the columns of the returned row"
        raise BadOption(where, "delete of merge(...)", repr(merge.delete), wanted)
    if merge.drop and merge.delete is None:
        wanted = "no column, where nothing is deleted; leave it out in the function"
        raise BadOption(where, "drop of merge(...)", repr(merge.drop), wanted)


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, Iterable) and not isinstance(given, str):
        return tuple(given)
    return (given,)
