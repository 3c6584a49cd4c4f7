"""The table `ops.drift`: each measurement is one commit of a row per column, and its stamp tells what was read."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from lakehouse import ledger
from lakehouse.history import Commit
from lakehouse.ledger import Entry, LedgerTable
from lakehouse.stamp import Stamp
from observability.drift import ColumnDrift, Measurement, Pair

if TYPE_CHECKING:
    import pyarrow as pa

KEY = "ops.drift"
METHOD = "ks-1"
"""How drift is measured; another one measures the same versions once more."""

_AT = "measured_at"


class DriftTable(LedgerTable, Protocol):
    """Where measurements are kept: a ledger whose rows can be read."""

    def read_arrow(self, key: str, version: int) -> "pa.Table":
        """The rows of a version."""
        ...


class DriftLog:
    """Reads and adds measurements; the same two versions are measured once."""

    def __init__(self, table: DriftTable) -> None:
        self._table = table

    def find(self, pair: Pair) -> Measurement | None:
        """What was measured of a pair before."""
        wanted = _stamp(pair).fingerprint
        return self._read(pair, next((c for c in self._table.history(KEY) if _told_by(c) == wanted), None))

    def record(self, measured: Measurement, run: str) -> bool:
        """Adds a measurement in one commit; False where another one of the same pair is there already."""
        wanted = _stamp(measured.pair).fingerprint

        def asked(history: Sequence[Commit]) -> Entry | None:
            if any(_told_by(commit) == wanted for commit in history):
                return None
            stamp = _stamp(measured.pair, measured.at, run, ledger.sequence_after(history, KEY))
            return Entry(rows=_rows(measured), stamp=stamp)

        return ledger.add(self._table, KEY, asked) is not None

    def _read(self, pair: Pair, commit: Commit | None) -> Measurement | None:
        if commit is None or commit.stamp is None:
            return None
        at = datetime.fromisoformat(str(commit.stamp.extra[_AT]))
        told, own = _head(pair, at), [field.name for field in fields(ColumnDrift)]
        rows = self._table.read_arrow(KEY, commit.version).to_pylist()
        columns = tuple(
            ColumnDrift(**{name: row[name] for name in own})
            for row in rows
            if all(row[name] == value for name, value in told.items())
        )
        return Measurement(at=at, pair=pair, columns=columns)


def rows_of(measured: Measurement) -> list[dict[str, object]]:
    """One row per column, as the table holds it."""
    return [_head(measured.pair, measured.at) | asdict(column) for column in measured.columns]


def _head(pair: Pair, at: datetime) -> dict[str, object]:
    """What the rows of one measurement have in common."""
    return {
        "at": at,
        "model": pair.model,
        "model_version": pair.model_version,
        "table": pair.table,
        "baseline_version": pair.baseline.version,
        "current_version": pair.current.version,
    }


def _told_by(commit: Commit) -> str | None:
    stamp = commit.stamp
    return stamp.fingerprint if stamp is not None and stamp.asset == KEY and _AT in stamp.extra else None


def _stamp(pair: Pair, at: datetime | None = None, run: str = "", sequence: int = 1) -> Stamp:
    extra = {} if at is None else {_AT: at.isoformat()}
    return Stamp(asset=KEY, code=METHOD, inputs=pair.inputs, run=run, sequence=sequence, extra=extra)


def _rows(measured: Measurement) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema(
        {
            "at": pa.timestamp("us", "UTC"),
            "model": pa.string(),
            "model_version": pa.int64(),
            "table": pa.string(),
            "column": pa.string(),
            "baseline_version": pa.int64(),
            "current_version": pa.int64(),
            "baseline_rows": pa.int64(),
            "current_rows": pa.int64(),
            "baseline_nulls": pa.int64(),
            "current_nulls": pa.int64(),
            "ks_statistic": pa.float64(),
            "p_value": pa.float64(),
        }
    )
    return pa.Table.from_pylist(rows_of(measured), schema=schema)
