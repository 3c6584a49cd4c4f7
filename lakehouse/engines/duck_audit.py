"""Audits a frame in DuckDB: computed once into a table in memory, and sorted by the rules."""

from itertools import count
from typing import TYPE_CHECKING

from lakehouse.audit import FAILED_CHECKS, Audit, RowRule, Rule, UniqueRule
from lakehouse.duck import named, quoted, scan

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_MARKS = "__lakeline_failed"
_SAMPLES = 3
_numbers = count(1)  # cursors of one connection share its tables


def audited(connection: "duckdb.DuckDBPyConnection", rows: "pa.Table", rules: tuple[Rule, ...]) -> tuple[Audit, str]:
    """What the rules found, and the table that holds the rows until it is dropped."""
    table = f"__lakeline_audit_{next(_numbers)}"
    marks = ", ".join(f"CASE WHEN {_fails(rule)} THEN {quoted(rule.name)} END" for rule in rules)
    marked = f"SELECT *, list_filter([{marks}], mark -> mark IS NOT NULL) AS {_MARKS} FROM frame"
    connection.from_arrow(rows).query("frame", marked).create(table)
    banned = ", ".join(quoted(rule.name) for rule in rules if rule.otherwise == "quarantine")
    barred = f"list_has_any({_MARKS}, [{banned}]::VARCHAR[])"
    counts = [f"count(*) FILTER (list_contains({_MARKS}, {quoted(rule.name)}))" for rule in rules]
    counted = ", ".join(["count(*)", f"count(*) FILTER ({barred})", *counts])
    total, rejected_rows, *each = connection.sql(f"SELECT {counted} FROM {table}").fetchall()[0]
    failed = {rule.name: int(found) for rule, found in zip(rules, each, strict=True)}
    joined = f"array_to_string({_MARKS}, '; ') AS {FAILED_CHECKS}"
    audit = Audit(
        passed=connection.sql(f"SELECT * EXCLUDE ({_MARKS}) FROM {table} WHERE NOT {barred}"),
        rejected=connection.sql(f"SELECT * EXCLUDE ({_MARKS}), {joined} FROM {table} WHERE {barred}"),
        total=int(total),
        rejected_rows=int(rejected_rows),
        failed=failed,
        samples={name: _samples(connection, table, name) for name, found in failed.items() if found},
    )
    return audit, table


def _fails(rule: Rule) -> str:
    if isinstance(rule, RowRule):
        return f"NOT coalesce(({rule.expression}), false)"
    if isinstance(rule, UniqueRule):
        return f"count(*) OVER (PARTITION BY {', '.join(named(column) for column in rule.columns)}) > 1"
    others = f"SELECT {named(rule.other_column)} FROM {scan(rule.location, rule.version)}"
    column = named(rule.column)
    return f"{column} IS NOT NULL AND {column} NOT IN ({others} WHERE {named(rule.other_column)} IS NOT NULL)"


def _samples(connection: "duckdb.DuckDBPyConnection", table: str, name: str) -> tuple[str, ...]:
    chosen = f"list_contains({_MARKS}, {quoted(name)})"
    rows = connection.sql(f"SELECT * EXCLUDE ({_MARKS}) FROM {table} WHERE {chosen} LIMIT {_SAMPLES}")
    return tuple(
        ", ".join(f"{key}={value!r}" for key, value in zip(rows.columns, row, strict=True)) for row in rows.fetchall()
    )
