"""Checks of a whole version: how many rows it has, and how fresh what it is made from is. Neither reads a row."""

import re
from dataclasses import dataclass
from datetime import timedelta

from assets.errors import BadOption, Where
from lakehouse.audit import Otherwise

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """The number of rows is between bounds, or not too far from that of the version before."""

    otherwise: Otherwise
    at_least: int | None = None
    at_most: int | None = None
    shrinks_by_at_most: float | None = None
    grows_by_at_most: float | None = None

    @property
    def name(self) -> str:
        """How the check is called in stamps."""
        given = {
            "at_least": self.at_least,
            "at_most": self.at_most,
            "shrinks_by_at_most": self.shrinks_by_at_most,
            "grows_by_at_most": self.grows_by_at_most,
        }
        return f"row_count({', '.join(f'{name}={value}' for name, value in given.items() if value is not None)})"

    @property
    def bounds(self) -> tuple[int | float | None, ...]:
        """All that was given."""
        return (self.at_least, self.at_most, self.shrinks_by_at_most, self.grows_by_at_most)

    def wrong(self, rows: int, before: int | None) -> str | None:
        """What is wrong with a number of rows after another; None where nothing is.

        >>> RowCount(otherwise="fail", shrinks_by_at_most=0.5).wrong(4, 10)
        '4 rows, 60% fewer than the 10 before'
        """
        if self.at_least is not None and rows < self.at_least:
            return f"{rows} rows, wanted at least {self.at_least}"
        if self.at_most is not None and rows > self.at_most:
            return f"{rows} rows, wanted at most {self.at_most}"
        if not before:
            return None
        grown = rows / before - 1
        if self.shrinks_by_at_most is not None and -grown > self.shrinks_by_at_most:
            return f"{rows} rows, {-grown:.0%} fewer than the {before} before"
        if self.grows_by_at_most is not None and grown > self.grows_by_at_most:
            return f"{rows} rows, {grown:.0%} more than the {before} before"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The pinned version of an input, or its newest landed file, is no older than that."""

    input: str
    within: timedelta
    otherwise: Otherwise

    @property
    def name(self) -> str:
        """How the check is called in stamps."""
        return f"fresh({self.input}, within={worded(self.within)})"


def row_count(
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    shrinks_by_at_most: float | None = None,
    grows_by_at_most: float | None = None,
    otherwise: Otherwise = "fail",
) -> RowCount:
    """The table must have so many rows, or not lose or gain more than a part of them: `shrinks_by_at_most=0.5`.

    The rows of the version before are counted from its log. A first version has none before it.
    """
    made = RowCount(
        at_least=at_least,
        at_most=at_most,
        shrinks_by_at_most=shrinks_by_at_most,
        grows_by_at_most=grows_by_at_most,
        otherwise=otherwise,
    )
    if strange := [bound for bound in made.bounds if not isinstance(bound, (int, float, type(None)))]:
        raise BadOption(
            Where.of_caller(), made.name, repr(strange[0]), "numbers: at_least=1, shrinks_by_at_most=0.5, ..."
        )
    if all(bound is None for bound in made.bounds):
        raise BadOption(Where.of_caller(), "row_count()", "without a bound", "at_least=1, shrinks_by_at_most=0.5, ...")
    if wrong := [bound for bound in made.bounds if bound is not None and bound < 0]:
        raise BadOption(Where.of_caller(), made.name, repr(wrong[0]), "a bound that is not negative")
    return made


def fresh(input: str, *, within: timedelta | str, otherwise: Otherwise = "fail") -> Fresh:
    """An input, at the version that is read, must be no older than that: `fresh("bronze.orders", within="24h")`.

    Of a table the time of the commit counts, of landed files that of the newest, against the time of the run. It is judged
    before anything is computed.
    """
    if not isinstance(input, str):
        raise BadOption(Where.of_caller(), "the input of fresh(...)", repr(input), "a text: 'bronze.orders'")
    if isinstance(within, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", within)
        if found is None:
            wanted = "a number and a unit: '90s', '30m', '24h', '7d' or '2w'"
            raise BadOption(Where.of_caller(), f"within of fresh({input!r})", repr(within), wanted)
        within = timedelta(**{_UNITS[found[2]]: float(found[1])})
    if not isinstance(within, timedelta):
        wanted = "a text such as '24h', or a timedelta"
        raise BadOption(Where.of_caller(), f"within of fresh({input!r})", repr(within), wanted)
    if within <= timedelta():
        raise BadOption(Where.of_caller(), f"within of fresh({input!r})", repr(within), "a time that is not over yet")
    return Fresh(input=input, within=within, otherwise=otherwise)


def worded(time: timedelta) -> str:
    """A length of time in the greatest unit that it is at least twice of.

    >>> worded(timedelta(hours=24)), worded(timedelta(days=3)), worded(timedelta(seconds=90.5))
    ('24h', '3d', '90.5s')
    """
    seconds = time.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length or (seconds >= length and seconds % length == 0):
            return (
                f"{seconds / length:.10g}{unit}" if unit != "d" or seconds >= 2 * length else f"{seconds / 3600:.10g}h"
            )
    return f"{seconds:.10g}s"
