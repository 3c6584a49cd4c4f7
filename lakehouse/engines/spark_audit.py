"""Audits a Spark DataFrame: computed once, kept in Spark's memory, and sorted by the rules."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
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
from lakehouse.engines.spark_row_id import identified
from lakehouse.errors import RuleFailed
from lakehouse.table import Location

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_FOUND = "__lakeline_found_{}"
_BESIDE = "__lakeline_beside"
_SAMPLES = 3

Read = Callable[[Location, int], "DataFrame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A frame in Spark's memory, under a name of its own.

    Only what has a name is computed once. Over Connect a frame is a plan that is read anew with each question, and then holds
    other seeds wherever it has `uuid()` or `rand()`: it would not be known as the one in memory, and computed again.
    """

    name: str
    frame: "DataFrame"

    def let_go(self) -> None:
        """Frees the memory and the name."""
        self.frame.unpersist()
        self.frame.sparkSession.catalog.dropTempView(self.name)


def keep(frame: "DataFrame") -> Kept:
    """A frame that is computed once, when it is first asked for."""
    name = f"__lakeline_kept_{secrets.token_hex(8)}"
    frame.createTempView(name)
    return Kept(name=name, frame=frame.sparkSession.table(name).persist())


class SparkAudit:
    """One audit; `kept` is what Spark holds until it is let go of."""

    def __init__(self, rules: tuple[Rule, ...], read: Read) -> None:
        self._rules, self._read = rules, read
        self.kept: list[Kept] = []

    def of(self, frame: "DataFrame", repairs: Pinned | None = None, beside: Pinned | None = None) -> Audit:
        """What the rules found; where repairs stand for rows that would be kept back, what they find with those."""
        audit = self._once(frame, beside)
        if repairs is None or not audit.rejected_rows:
            return audit
        return self._repaired(frame, audit, repairs) or audit

    def wrong_rule(self, frame: "DataFrame") -> str | None:
        """The rule that cannot be asked of such columns, asked one by one; None where each can."""
        from pyspark.errors import PySparkException

        for place, rule in enumerate(self._rules):
            try:
                asked = frame
                if isinstance(rule, ReferenceRule):
                    asked = self._with_found(frame, rule, _FOUND.format(place))
                _ = asked.select(_fails(rule, _FOUND.format(place))).schema
            except PySparkException:
                return rule.name
        return None

    def _once(self, frame: "DataFrame", beside: Pinned | None) -> Audit:
        from pyspark.sql import functions as F

        marked = self._kept(self._marked(frame, beside))
        marks = {rule.name: F.col(MARK.format(place)) for place, rule in enumerate(self._rules)}
        banned = [marks[rule.name] for rule in self._rules if rule.otherwise == "quarantine"]
        barred = reduce(or_, banned, F.lit(False))
        asked = [F.count(F.lit(1)), F.count_if(barred), *map(F.count_if, marks.values())]
        total, rejected_rows, *each = marked.agg(*(count.alias(f"c{n}") for n, count in enumerate(asked))).collect()[0]
        failed = {name: int(found) for name, found in zip(marks, each, strict=True)}
        told: dict[str, Told] = {}
        for place, rule in enumerate(self._rules):
            if isinstance(rule, FunctionRule):
                marked, failed[rule.name] = self._asked(rule, place, marked, frame.columns, told)
        if any(isinstance(rule, FunctionRule) and rule.otherwise == "quarantine" for rule in self._rules):
            rejected_rows = marked.filter(barred).count()
        rows = marked.select(*map(_named, frame.columns))
        names = F.array(*(F.when(mark, F.lit(name)) for name, mark in marks.items())).cast("array<string>")
        rejected = marked.filter(barred).withColumn(FAILED_CHECKS, F.array_join(F.array_compact(names), "; "))
        return Audit(
            passed=marked.filter(~barred).select(*map(_named, frame.columns)) if rejected_rows else rows,
            rejected=identified(rejected.select(*map(_named, frame.columns), FAILED_CHECKS), frame.columns),
            total=int(total),
            rejected_rows=int(rejected_rows),
            failed=failed,
            samples={
                name: _samples(marked.filter(marks[name]).select(*map(_named, frame.columns)))
                for name, found in failed.items()
                if found and name not in told
            },
            told=told,
        )

    def _marked(self, frame: "DataFrame", beside: Pinned | None) -> "DataFrame":
        """The frame with a column for each rule that says whether the row fails it."""
        from pyspark.sql import functions as F

        columns = list(map(_named, frame.columns))
        if beside is not None:
            others = self._read(beside.location, beside.version).withColumn(_BESIDE, F.lit(True))
            frame = frame.withColumn(_BESIDE, F.lit(False)).unionByName(others, allowMissingColumns=True)
        for place, rule in enumerate(self._rules):
            if isinstance(rule, ReferenceRule):
                frame = self._with_found(frame, rule, _FOUND.format(place))
        marks = [_fails(rule, _FOUND.format(place)).alias(MARK.format(place)) for place, rule in enumerate(self._rules)]
        if beside is None:
            return frame.select(*columns, *marks)
        return frame.select(*columns, *marks, _BESIDE).filter(~F.col(_BESIDE)).drop(_BESIDE)

    def _with_found(self, frame: "DataFrame", rule: ReferenceRule, mark: str) -> "DataFrame":
        from pyspark.sql import functions as F

        names = [f"{mark}_{place}" for place in range(len(rule.columns))]
        other = self._read(rule.location, rule.version)
        known = other.select(*(F.col(_named(c)).alias(name) for c, name in zip(rule.other_columns, names, strict=True)))
        same = [F.col(_named(column)) == F.col(name) for column, name in zip(rule.columns, names, strict=True)]
        return frame.join(known.dropna().distinct().withColumn(mark, F.lit(True)), same, "left")

    def _asked(
        self, rule: FunctionRule, place: int, marked: "DataFrame", columns: Sequence[str], told: dict[str, Told]
    ) -> "tuple[DataFrame, int]":
        """What a function finds in the rows that are kept in memory already."""
        from pyspark.sql import DataFrame
        from pyspark.sql import functions as F

        found = rule.function(marked.select(*map(_named, columns)))
        if isinstance(found, Told):
            told[rule.name] = found
            return marked, int(not found.passed)
        if not isinstance(found, DataFrame):
            raise RuleFailed(rule.name, f"its function returned {type(found).__name__}; wanted rows or a bool")
        if wrong := refused_columns(tuple(columns), tuple(found.columns)):
            raise RuleFailed(rule.name, wrong)
        names = {column: f"{_FOUND.format(place)}_{number}" for number, column in enumerate(found.columns)}
        failing = found.select(*(F.col(_named(column)).alias(name) for column, name in names.items())).distinct()
        failing = failing.withColumn(_FOUND.format(place), F.lit(True))
        same = [F.col(_named(column)).eqNullSafe(F.col(name)) for column, name in names.items()]
        joined = marked.drop(MARK.format(place)).join(F.broadcast(failing), same, "left")
        mark = F.col(_FOUND.format(place)).isNotNull().alias(MARK.format(place))
        others = [_named(name) for name in marked.columns if name != MARK.format(place)]
        marked = self._kept(joined.select(*others, mark))
        return marked, int(marked.filter(MARK.format(place)).count())

    def _repaired(self, frame: "DataFrame", audit: Audit, repairs: Pinned) -> Audit | None:
        """The audit of the frame with what was mended in place of the rows that would be kept back; None for none."""
        rejected, columns = _frame(audit.rejected), frame.columns
        mended = self._read(repairs.location, repairs.version)
        mended = self._kept(mended.join(rejected.select(ROW_ID), ROW_ID, "left_semi"))
        fitting = self._kept(_fitting(mended, frame))
        count = fitting.count()
        unfit = mended.count() - count
        if not count:
            return replace(audit, unfit=unfit) if unfit else None
        others = rejected.join(fitting.select(ROW_ID), ROW_ID, "left_anti").select(*map(_named, columns))
        whole = _frame(audit.passed).unionByName(others)
        whole = whole.unionByName(fitting.drop(ROW_ID), allowMissingColumns=True)
        return replace(self._once(whole, None), repaired=count, unfit=unfit)

    def _kept(self, frame: "DataFrame") -> "DataFrame":
        kept = keep(frame)
        self.kept.append(kept)
        return kept.frame


def _fails(rule: Rule, found: str) -> "Column":
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    if isinstance(rule, RowRule):
        return ~F.coalesce(F.expr(rule.sql(_named)), F.lit(False))
    if isinstance(rule, UniqueRule):
        return F.count(F.lit(1)).over(Window.partitionBy(*map(_named, rule.columns))) > 1
    if isinstance(rule, ReferenceRule):
        given = [F.col(_named(column)).isNotNull() for column in rule.columns]
        return reduce(lambda left, right: left & right, given) & F.col(found).isNull()
    return F.lit(False)


def _fitting(mended: "DataFrame", frame: "DataFrame") -> "DataFrame":
    """The mended rows in the frame's types, without those of which a value would be another."""
    from pyspark.sql import functions as F

    own = {field.name: field.dataType for field in mended.schema}
    wanted = {field.name: field.dataType for field in frame.schema}
    others = [name for name in frame.columns if name in own and own[name].simpleString() != wanted[name].simpleString()]
    casts = {name: F.col(_named(name)).try_cast(wanted[name]) for name in others}
    same = [cast.try_cast(own[name]).eqNullSafe(F.col(_named(name))) for name, cast in casts.items()]
    columns = [casts.get(name, F.col(_named(name))).alias(name) for name in frame.columns if name in own]
    return mended.filter(reduce(lambda left, right: left & right, same, F.lit(True))).select(ROW_ID, *columns)


def _samples(rows: "DataFrame") -> tuple[str, ...]:
    found: Sequence[Mapping[str, object]] = [row.asDict() for row in rows.limit(_SAMPLES).collect()]
    return tuple(", ".join(f"{key}={value!r}" for key, value in row.items()) for row in found)


def _named(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def _frame(frame: object) -> "DataFrame":
    from pyspark.sql import DataFrame

    assert isinstance(frame, DataFrame)
    return frame
