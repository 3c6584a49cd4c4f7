"""Checks of rows: what must be true of each row of a frame before it may become a part of a version."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from lakehouse.audit import Otherwise, Told

Finds = Callable[..., object]
"""An author's function over the engine's own frame: it returns the rows that fail, or a bool, or a `CheckOutcome`."""

CheckOutcome = Told
"""What a function says of a frame as a whole: `CheckOutcome(passed=..., measured="3 of 7 days")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Each row for which a SQL expression is not true fails; NULL is not true.

    Where `columns` are given, `{0}`, `{1}`... stand for their names in the expression, and `label` names the check.
    """

    expression: str
    otherwise: Otherwise
    columns: tuple[str, ...] = ()
    label: str | None = None

    @property
    def name(self) -> str:
        """How the check is called in stamps and in the quarantine."""
        return self.label or self.expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """All rows that share their values of the columns fail."""

    columns: tuple[str, ...]
    otherwise: Otherwise

    @property
    def name(self) -> str:
        """How the check is called in stamps and in the quarantine."""
        return f"unique({', '.join(self.columns)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Each row fails whose values are not those of a row of an input; NULL refers to nothing and passes."""

    columns: tuple[str, ...]
    table: str
    other_columns: tuple[str, ...]
    otherwise: Otherwise

    @property
    def name(self) -> str:
        """How the check is called in stamps and in the quarantine."""
        if len(self.columns) == 1:
            return f"references({self.columns[0]}, {self.table}.{self.other_columns[0]})"
        return f"references(({', '.join(self.columns)}), {self.table}.({', '.join(self.other_columns)}))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """A function of the author's looks at the computed frame; its code is part of the asset's code version."""

    name: str
    function: Finds
    otherwise: Otherwise


def rows(expression: str, *, otherwise: Otherwise = "fail") -> Rows:
    """Every row must make the SQL expression true: `rows("petal_length > 0", otherwise="quarantine")`."""
    return Rows(expression=expression, otherwise=otherwise)


def unique(*columns: str, otherwise: Otherwise = "fail") -> Unique:
    """No two rows may share their values of the columns, where NULL equals NULL; where some do, all of them fail."""
    return Unique(columns=columns, otherwise=otherwise)


def references(
    columns: str | Sequence[str], table: str, other_columns: str | Sequence[str], *, otherwise: Otherwise = "fail"
) -> References:
    """The values of the columns must be those of a row of another table, at the version that the run is pinned to.

    That table must be an input of the asset. A key of several columns is given as two sequences:
    `references(("country", "city"), "silver.cities", ("country", "name"))`. A row with a NULL in its key passes.
    """
    return References(
        columns=_each(columns),
        table=table,
        other_columns=_each(other_columns),
        otherwise=otherwise,
    )


@overload
def custom(name: str, function: Finds, *, otherwise: Otherwise = "fail") -> Custom: ...


@overload
def custom(name: str, *, otherwise: Otherwise = "fail") -> Callable[[Finds], Custom]: ...


def custom(
    name: str, function: Finds | None = None, *, otherwise: Otherwise = "fail"
) -> Custom | Callable[[Finds], Custom]:
    """A check by a function: it gets the computed frame and returns the rows that fail, or a bool, or a `CheckOutcome`.

    Of the failing rows some columns are enough: each row fails that has their values. Stands as a decorator, too:
    `@custom("totals add up", otherwise="quarantine")`.
    """
    if function is not None:
        return Custom(name=name, function=function, otherwise=otherwise)
    return lambda found: Custom(name=name, function=found, otherwise=otherwise)


def _each(columns: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(columns, Iterable) and not isinstance(columns, str):
        return tuple(columns)
    return (columns,)
