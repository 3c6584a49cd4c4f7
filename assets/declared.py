"""The checks of an asset, looked over where they are declared."""

from collections import Counter
from collections.abc import Iterable
from typing import get_args

from assets.check import Custom, References, Rows, Unique
from assets.errors import BadOption, Where
from assets.matching import Matches
from assets.measure import Fresh, RowCount
from lakehouse.audit import Otherwise

Check = Rows | Unique | References | Custom | Matches | RowCount | Fresh
Checks = Iterable[Check | Iterable[Check]]

_WORDS = "rows, unique, references, matches, row_count, fresh, custom"


def declared(checks: Checks, key: str, where: Where, write: object) -> tuple[Check, ...]:
    """The checks one by one; one that could never do what it says is refused with its place."""
    found = tuple(_each(checks, key, where))
    for check in found:
        if wrong := _of_wrong_sort(check):
            raise BadOption(where, f"a check of {key!r}", *wrong)
        if check.otherwise not in get_args(Otherwise):
            wanted = f"one of {', '.join(map(repr, get_args(Otherwise)))}"
            raise BadOption(where, f"otherwise of {check.name!r}", repr(check.otherwise), wanted)
        if check.otherwise == "quarantine" and isinstance(check, (Matches, RowCount, Fresh)):
            wanted = "'warn' or 'fail', for no rows of its own could be kept back"
            raise BadOption(where, f"otherwise of {check.name!r} of {key!r}", "'quarantine'", wanted)
        if isinstance(check, RowCount) and write not in {"replace", "append"}:
            wanted = "none on a table that is merged into, whose rows are not known before the commit"
            raise BadOption(where, f"a check of {key!r}", check.name, wanted)
        if wrong := _wrong(check):
            raise BadOption(where, f"the check {check.name!r} of {key!r}", *wrong)
    twice = [name for name, count in Counter(check.name for check in found).items() if count > 1]
    if twice:
        raise BadOption(where, f"a check of {key!r}", f"{twice[0]!r} twice", "each check once, each name once")
    return found


def _each(checks: Checks, key: str, where: Where) -> Iterable[Check]:
    if not isinstance(checks, Iterable) or isinstance(checks, str):
        raise BadOption(where, f"checks of {key!r}", repr(checks), 'a list of checks: [rows("amount > 0")]')
    for given in checks:
        for check in given if isinstance(given, (tuple, list)) else (given,):
            if not isinstance(check, Check):
                wanted = f"one of {', '.join(f'{word}(...)' for word in _WORDS.split(', '))}"
                raise BadOption(where, f"a check of {key!r}", repr(check), wanted)
            yield check


def _of_wrong_sort(check: Check) -> tuple[str, str] | None:
    """What was found and what was wanted, where a check is given what it cannot even be named by."""
    if isinstance(check, Rows) and not isinstance(check.expression, str):
        return f"rows({check.expression!r})", 'a SQL expression: rows("amount > 0")'
    if isinstance(check, Unique) and not _are_texts(check.columns):
        return f"unique{check.columns!r}", 'names of columns, one after the other: unique("order_id", "line")'
    if isinstance(check, References) and not _are_texts((*check.columns, check.table, *check.other_columns)):
        given = f"references({check.columns!r}, {check.table!r}, {check.other_columns!r})"
        return given, 'names of columns and of a table: references("city", "silver.cities", "name")'
    if isinstance(check, Custom) and not isinstance(check.name, str):
        return f"custom({check.name!r}, ...)", 'a name first: custom("totals add up", function)'
    if isinstance(check, Matches) and not _are_texts((*check.columns, *check.columns.values())):
        return f"matches({dict(check.columns)!r})", 'SQL types by column: matches({"amount": "double"})'
    return None


def _are_texts(given: Iterable[object]) -> bool:
    return all(isinstance(one, str) for one in given)


def _wrong(check: Check) -> tuple[str, str] | None:
    """What was found and what was wanted, where a check says nothing or says it wrongly."""
    if isinstance(check, Rows) and not check.expression.strip():
        return "without an expression", 'a SQL expression: rows("amount > 0")'
    if isinstance(check, Unique) and (not check.columns or len(set(check.columns)) < len(check.columns)):
        return repr(check.columns), 'one column or several different ones: unique("order_id")'
    if isinstance(check, References) and (not check.columns or len(check.columns) != len(check.other_columns)):
        return f"{len(check.columns)} columns to {len(check.other_columns)}", "as many columns as other columns"
    if isinstance(check, Custom) and not callable(check.function):
        return repr(check.function), "a function of the frame"
    return None
