"""Audits a frame in DuckDB: computed once into a table in memory, and sorted by the rules."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from lakehouse.audit import (
    FAILED_CHECKS,
    MARK,
    ROW_ID,
    Audit,
    FunctionRule,
    Pinned,
    ReferenceRule,
    RowRule,
    Rule,
    Told,
    UniqueRule,
    refused_columns,
)
from lakehouse.duck import named, quoted, scan
from lakehouse.errors import RuleFailed

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BESIDE = "__lakeline_beside"
_SAMPLES = 3
_numbers = count(1)  # cursors of one connection share its tables


class DuckAudit:
    """One audit; `kept` are the tables in memory that hold rows until they are dropped."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", rules: tuple[Rule, ...]) -> None:
        self._connection, self._rules = connection, rules
        self.kept: list[str] = []

    def of(self, rows: "pa.Table", repairs: Pinned | None = None, beside: Pinned | None = None) -> Audit:
        """What the rules found; where repairs stand for rows that would be kept back, what they find with those."""
        self._ask_of_none(rows)
        audit = self._once(rows, beside)
        if repairs is None or not audit.rejected_rows:
            return audit
        return self._repaired(rows, audit, repairs) or audit

    def _once(self, rows: "pa.Table", beside: Pinned | None) -> Audit:
        marks = {rule.name: MARK.format(place) for place, rule in enumerate(self._rules)}
        banned = [marks[rule.name] for rule in self._rules if rule.otherwise == "quarantine"]
        barred = f"({' OR '.join(banned) or 'false'})"
        table = self._marked(rows, beside)
        told: dict[str, Told] = {}
        for rule in self._rules:
            if isinstance(rule, FunctionRule):
                self._ask(rule, table, marks[rule.name], rows.column_names, told)
        asked = ", ".join(f"count(*) FILTER ({mark})" for mark in (barred, *marks.values()))
        total, rejected_rows, *each = self._connection.sql(f"SELECT count(*), {asked} FROM {table}").fetchall()[0]
        failed = {name: int(found) for name, found in zip(marks, each, strict=True)}
        failed |= {name: int(not each.passed) for name, each in told.items()}
        columns = ", ".join(map(named, rows.column_names))
        names = ", ".join(f"CASE WHEN {mark} THEN {quoted(name)} END" for name, mark in marks.items())
        why = f"array_to_string(list_filter([{names}], name -> name IS NOT NULL), '; ') AS {FAILED_CHECKS}"
        kept_back = f"SELECT {columns}, {why}, {_row_id(rows.column_names)} FROM {table} WHERE {barred}"
        good = f"SELECT {columns} FROM {table} WHERE NOT {barred}"
        return Audit(
            passed=self._connection.sql(good) if rejected_rows else rows,
            rejected=self._connection.sql(kept_back),
            total=int(total),
            rejected_rows=int(rejected_rows),
            failed=failed,
            samples={
                name: self._samples(f"SELECT {columns} FROM {table} WHERE {marks[name]} LIMIT {_SAMPLES}")
                for name, found in failed.items()
                if found and name not in told
            },
            told=told,
        )

    def _ask_of_none(self, rows: "pa.Table") -> None:
        """Names the rule that cannot be asked of such columns."""
        import duckdb

        empty = self._connection.from_arrow(rows.schema.empty_table())
        for rule in self._rules:
            try:
                empty.query("frame", f"SELECT {_fails(rule)} FROM frame").fetchall()
            except duckdb.Error as error:
                raise RuleFailed(rule.name, str(error)) from error

    def _marked(self, rows: "pa.Table", beside: Pinned | None) -> str:
        """The table of the rows, with a column for each rule that says whether the row fails it."""
        marks = [f"{_fails(rule)} AS {MARK.format(place)}" for place, rule in enumerate(self._rules)]
        asked = ", ".join([*map(named, rows.column_names), *marks])
        if beside is None:
            return self._kept(rows, f"SELECT {asked} FROM frame")
        others = f"SELECT *, true AS {_BESIDE} FROM {scan(beside.location, beside.version)}"
        union = f"SELECT *, false AS {_BESIDE} FROM frame UNION ALL BY NAME {others}"
        marked = f"SELECT {asked}, {_BESIDE} FROM ({union}) AS both_of_them"
        return self._kept(rows, f"SELECT * EXCLUDE ({_BESIDE}) FROM ({marked}) AS marked WHERE NOT {_BESIDE}")

    def _kept(self, rows: "pa.Table", sql: str) -> str:
        table = f"__lakeline_audit_{next(_numbers)}"
        self._connection.from_arrow(rows).query("frame", sql).create(table)
        self.kept.append(table)
        return table

    def _ask(self, rule: FunctionRule, table: str, mark: str, columns: Sequence[str], told: dict[str, Told]) -> None:
        """Marks what a function finds in the rows that are in memory already."""
        found = rule.function(self._connection.sql(f"SELECT {', '.join(map(named, columns))} FROM {table}"))
        if isinstance(found, Told):
            told[rule.name] = found
            return
        failing = _arrow(rule.name, found)
        if wrong := refused_columns(tuple(columns), tuple(failing.column_names)):
            raise RuleFailed(rule.name, wrong)
        known = self._kept(failing, "SELECT DISTINCT * FROM frame")
        same = " AND ".join(
            f"{known}.{named(name)} IS NOT DISTINCT FROM {table}.{named(name)}" for name in failing.column_names
        )
        self._connection.execute(f"UPDATE {table} SET {mark} = EXISTS (SELECT 1 FROM {known} WHERE {same})")

    def _repaired(self, rows: "pa.Table", audit: Audit, repairs: Pinned) -> Audit | None:
        """The audit of the frame with what was mended in place of the rows that would be kept back; None for none."""
        rejected = self._kept(_arrow("the rows kept back", audit.rejected), "SELECT * FROM frame")
        mended = f"(FROM {scan(repairs.location, repairs.version)} SEMI JOIN {rejected} USING ({ROW_ID}))"
        present = [name for name in rows.column_names if name in self._connection.sql(mended).columns]
        mended_rows = self._connection.sql(f"SELECT {ROW_ID}, {', '.join(map(named, present))} FROM {mended}")
        table, unfit = self._fitting(mended_rows, rows, present)
        (number,) = self._connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0]
        if not number:
            return replace(audit, unfit=unfit) if unfit else None
        columns = ", ".join(map(named, rows.column_names))
        others = f"SELECT {columns} FROM {rejected} ANTI JOIN {table} USING ({ROW_ID})"
        union = f"{others} UNION ALL BY NAME SELECT * EXCLUDE ({ROW_ID}) FROM {table}"
        passed = _arrow("the rows that passed", audit.passed)
        whole = self._connection.from_arrow(passed).query("frame", f"SELECT * FROM frame UNION ALL BY NAME ({union})")
        again = self._once(whole.to_arrow_table().cast(rows.schema), None)
        return replace(again, repaired=int(number), unfit=unfit)

    def _fitting(self, mended: "duckdb.DuckDBPyRelation", rows: "pa.Table", present: Sequence[str]) -> tuple[str, int]:
        """The table of the mended rows in the frame's types, and how many are not among them, for a value would be another."""
        own = dict(zip(mended.columns, mended.types, strict=True))
        frame = self._connection.from_arrow(rows)
        wanted = dict(zip(frame.columns, frame.types, strict=True))
        casts = {name: f"TRY_CAST({named(name)} AS {wanted[name]})" for name in present if own[name] != wanted[name]}
        same = [f"TRY_CAST({cast} AS {own[name]}) IS NOT DISTINCT FROM {named(name)}" for name, cast in casts.items()]
        columns = ", ".join((ROW_ID, *(f"{casts.get(name, named(name))} AS {named(name)}" for name in present)))
        found = self._kept(mended.to_arrow_table(), "SELECT * FROM frame")
        fits = f"SELECT {columns} FROM {found} WHERE {' AND '.join(same) or 'true'}"
        table = self._kept(self._connection.sql(fits).to_arrow_table(), "SELECT * FROM frame")
        (all_of_them,), (fitting,) = (
            self._connection.sql(f"SELECT count(*) FROM {each}").fetchall()[0] for each in (found, table)
        )
        return table, int(all_of_them - fitting)

    def _samples(self, sql: str) -> tuple[str, ...]:
        rows = self._connection.sql(sql)
        return tuple(
            ", ".join(f"{key}={value!r}" for key, value in zip(rows.columns, row, strict=True))
            for row in rows.fetchall()
        )


def _fails(rule: Rule) -> str:
    if isinstance(rule, RowRule):
        return f"NOT coalesce(({rule.sql(named)}), false)"
    if isinstance(rule, UniqueRule):
        return f"count(*) OVER (PARTITION BY {', '.join(map(named, rule.columns))}) > 1"
    if isinstance(rule, ReferenceRule):
        other = f"SELECT {', '.join(map(named, rule.other_columns))} FROM {scan(rule.location, rule.version)}"
        whole = [" AND ".join(f"{named(c)} IS NOT NULL" for c in each) for each in (rule.columns, rule.other_columns)]
        values = ", ".join(map(named, rule.columns))
        return f"{whole[0]} AND ({values}) NOT IN ({other} WHERE {whole[1]})"
    return "false"


def _row_id(columns: Sequence[str]) -> str:
    """What a row is known by; of equal rows, each has a number of its own."""
    values = f"substr(sha256(CAST(row({', '.join(map(named, columns))}) AS VARCHAR)), 1, 16)"
    return f"{values} || '-' || row_number() OVER (PARTITION BY {values}) AS {ROW_ID}"


def _arrow(what: str, found: object) -> "pa.Table":
    import duckdb
    import pyarrow as pa

    if isinstance(found, duckdb.DuckDBPyRelation):
        return found.to_arrow_table()
    if not isinstance(found, pa.Table):
        raise RuleFailed(what, f"its function returned {type(found).__name__}; wanted rows or a bool")
    return found
