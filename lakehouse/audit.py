"""What is asked of a frame before it may become a version, and what was found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lakehouse.stamp import CheckResult
from lakehouse.table import Location

Otherwise = Literal["warn", "quarantine", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """Each row for which the SQL expression is not true fails; NULL is not true.

    Where `columns` are given, `{0}`, `{1}`... stand for their names in the expression, which each engine quotes its own way,
    and a brace is written twice.
    """

    name: str
    expression: str
    otherwise: Otherwise
    columns: tuple[str, ...] = ()

    def sql(self, quote: Callable[[str], str]) -> str:
        """The expression in the words of an engine that quotes names so."""
        return self.expression.format(*map(quote, self.columns)) if self.columns else self.expression


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueRule:
    """All rows that share their values of the columns with another row fail; NULL equals NULL."""

    name: str
    columns: tuple[str, ...]
    otherwise: Otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRule:
    """Each row fails whose values of the columns are together not those of any row of another table.

    A row with a NULL among the values refers to nothing and passes.
    """

    name: str
    columns: tuple[str, ...]
    location: Location
    version: int
    other_columns: tuple[str, ...]
    otherwise: Otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a function says of a frame as a whole: whether it may pass, and what was measured."""

    passed: bool
    measured: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRule:
    """A function is given the computed frame and returns the failing rows, or `Told`.

    The failing rows may be told by some of the frame's columns: each row fails that has their values.
    """

    name: str
    function: Callable[[object], object]
    otherwise: Otherwise


Rule = RowRule | UniqueRule | ReferenceRule | FunctionRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A frame after its audit: what may be published, what may not, and how many rows each rule found.

    `rejected` holds the rows that failed a rule with `quarantine`, with the names of all rules that they failed, separated by
    "; ", in the column `failed_checks`, and what the row is known by in `row_id`. `samples` has up to three failing rows,
    worded, for each rule that failed. `repaired` counts the rows that came from what a person has mended, in place of those
    kept back, and `unfit` those of them that hold a value which the frame's columns do not, and took no row's place.
    """

    passed: object
    rejected: object
    total: int
    rejected_rows: int
    failed: Mapping[str, int]
    samples: Mapping[str, tuple[str, ...]]
    told: Mapping[str, Told] = field(default_factory=dict)
    repaired: int = 0
    unfit: int = 0

    def results(self, rules: tuple[Rule, ...]) -> tuple[CheckResult, ...]:
        """What goes into the stamp."""
        return tuple(self._result(rule) for rule in rules)

    def _result(self, rule: Rule) -> CheckResult:
        told = self.told.get(rule.name)
        total = self.total if told is None else 1
        return CheckResult(
            name=rule.name,
            otherwise=rule.otherwise,
            failed=self.failed[rule.name],
            total=total,
            measured=told.measured if told else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A table at a version."""

    location: Location
    version: int


FAILED_CHECKS = "failed_checks"
"""The column of the quarantine that names the rules that a row failed."""

ROW_ID = "row_id"
"""The column of the quarantine by which a row is known: a hash of its values, and a number among equal rows."""

OURS = "__lakeline_"
"""How the names of all columns begin that stand beside those of the frame during its audit."""

MARK = "__lakeline_failed_{}"
"""The column that says whether a row fails the rule of that place."""


def refused_columns(columns: tuple[str, ...], returned: tuple[str, ...]) -> str | None:
    """What is wrong with the columns of the rows that a check's function returned; None where they name rows."""
    strange = [name for name in returned if name not in columns]
    if not strange and returned:
        return None
    wanted = f"columns of the frame ({', '.join(columns)})"
    return f"its function returned rows of {', '.join(map(repr, strange)) or 'no columns'}; wanted {wanted}"
