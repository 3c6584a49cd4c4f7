"""Drift as values: a table as it is now, beside the version of it that a model was trained on. Pure."""

from dataclasses import dataclass
from datetime import datetime

from lakehouse.distance import Distance
from lakehouse.stamp import InputVersion
from lakehouse.table import TableVersion
from observability.kolmogorov import p_value, statistic

BASELINE = "baseline"
"""The alias under which a stamp tells of the version that the model was trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is compared: the `baseline` that a version of a model was trained on, and the `current` version of the same table."""

    model: str
    model_id: str
    model_version: int
    alias: str
    table: str
    baseline: TableVersion
    current: TableVersion

    @property
    def inputs(self) -> dict[str, InputVersion]:
        """What a stamp says that was read."""
        return {
            self.table: InputVersion(table=self.current.table_id, version=self.current.version),
            f"{self.table}@{BASELINE}": InputVersion(
                table=self.baseline.table_id, version=self.baseline.version, alias=BASELINE
            ),
            f"models.{self.model}": InputVersion(table=self.model_id, version=self.model_version, alias=self.alias),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """How the values of one column moved.

    `baseline_nulls` and `current_nulls` count the rows that were left out, NULL or NaN. The statistic and its p-value are
    None where one of the two versions has no value.
    """

    column: str
    baseline_rows: int
    current_rows: int
    baseline_nulls: int
    current_nulls: int
    ks_statistic: float | None
    p_value: float | None

    @classmethod
    def of(cls, distance: Distance) -> "ColumnDrift":
        """What a distance between two versions says."""
        return cls(
            column=distance.column,
            baseline_rows=distance.before + distance.missing_before,
            current_rows=distance.after + distance.missing_after,
            baseline_nulls=distance.missing_before,
            current_nulls=distance.missing_after,
            ks_statistic=statistic(distance.gap, distance.before, distance.after),
            p_value=p_value(distance.gap, distance.before, distance.after),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one comparison found, of each numeric column that both versions have."""

    at: datetime
    pair: Pair
    columns: tuple[ColumnDrift, ...]
