"""What is asked of a frame before it may become a version, and what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lakehouse.stamp import CheckResult
from lakehouse.table import Location

Otherwise = Literal["warn", "quarantine", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """Each row for which the SQL expression is not true fails; NULL is not true."""

    name: str
    expression: str
    otherwise: Otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueRule:
    """All rows that share their values of the columns with another row fail; NULL equals NULL."""

    name: str
    columns: tuple[str, ...]
    otherwise: Otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRule:
    """Each row whose value of the column is not NULL and not among those of another table's column fails."""

    name: str
    column: str
    location: Location
    version: int
    other_column: str
    otherwise: Otherwise


Rule = RowRule | UniqueRule | ReferenceRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A frame after its audit: what may be published, what may not, and how many rows each rule found.

    `rejected` holds the rows that failed a rule with `quarantine`, with the names of those rules, separated by "; ", in the
    column `failed_checks`. `samples` has up to three failing rows, worded, for each rule that failed.
    """

    passed: object
    rejected: object
    total: int
    rejected_rows: int
    failed: Mapping[str, int]
    samples: Mapping[str, tuple[str, ...]]

    def results(self, rules: tuple[Rule, ...]) -> tuple[CheckResult, ...]:
        """What goes into the stamp."""
        return tuple(
            CheckResult(name=rule.name, otherwise=rule.otherwise, failed=self.failed[rule.name], total=self.total)
            for rule in rules
        )


FAILED_CHECKS = "failed_checks"
"""The column of the quarantine that names the rules that a row failed."""
