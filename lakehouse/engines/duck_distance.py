"""The distances between two versions of a table's columns, counted by DuckDB without bringing a value here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.distance import Distance
from lakehouse.duck import named, scan, told
from lakehouse.table import Location

if TYPE_CHECKING:
    import duckdb

VALUES_AT_ONCE = 8_000_000
"""About 1 GB of counts where each value is another; further columns wait for the next pass, and one column is never split."""

_NUMERIC = frozenset(
    {"tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"}
    | {"float", "double", "decimal"}
)

# The values of both versions are listed once, counted by value, and summed up in the order of the values. Sums are whole numbers
# of 128 bits, so that the distance of the two distribution functions is exact.
_GAPS = """
WITH listed AS (
    UNPIVOT (SELECT false AS is_new, {casts} FROM {old} UNION ALL SELECT true, {casts} FROM {new})
    ON {names} INTO NAME place VALUE x
),
held AS (
    SELECT place, x, count(*) FILTER (NOT is_new) AS old, count(*) FILTER (is_new) AS new
    FROM listed WHERE NOT isnan(x) GROUP BY place, x
),
so_far AS (
    SELECT place, sum(old) OVER ordered AS old, sum(new) OVER ordered AS new,
        sum(old) OVER (PARTITION BY place) AS all_old, sum(new) OVER (PARTITION BY place) AS all_new
    FROM held WINDOW ordered AS (PARTITION BY place ORDER BY x)
)
SELECT place, any_value(all_old), any_value(all_new), max(abs(old * all_new - new * all_old)) FROM so_far GROUP BY place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two versions: how many rows it has, and the frame that reads it."""

    version: int
    rows: int
    frame: "duckdb.DuckDBPyRelation"


def distances(
    connection: "duckdb.DuckDBPyConnection",
    location: Location,
    before: Side,
    after: Side,
    values_at_once: int = VALUES_AT_ONCE,
) -> Iterator[Distance]:
    """One for each numeric column that both versions have, as the later one spells it.

    A small table is read in one pass, a large one in a pass for a few columns each, which Parquet keeps apart. Numbers of any
    type are compared as DOUBLE.
    """
    older = {column.lower() for column in _numeric(before.frame)}
    columns = [column for column in _numeric(after.frame) if column.lower() in older]
    at_once = max(1, values_at_once // max(1, before.rows + after.rows))
    for start in range(0, len(columns), at_once):
        some = columns[start : start + at_once]
        query = _GAPS.format(
            casts=", ".join(f"CAST({named(column)} AS DOUBLE) AS c{place}" for place, column in enumerate(some)),
            names=", ".join(f"c{place}" for place in range(len(some))),
            old=scan(location, before.version),
            new=scan(location, after.version),
        )
        with told(f"the distances between v{before.version} and v{after.version} of {location.uri!r}"):
            found = {place: counts for place, *counts in connection.execute(query).fetchall()}
        for place, column in enumerate(some):
            old, new, gap = (int(count) for count in found.get(f"c{place}", (0, 0, 0)))
            yield Distance(
                column=column,
                gap=gap,
                before=old,
                after=new,
                missing_before=before.rows - old,
                missing_after=after.rows - new,
            )


def _numeric(frame: "duckdb.DuckDBPyRelation") -> list[str]:
    return [name for name, kind in zip(frame.columns, frame.types, strict=True) if kind.id in _NUMERIC]
