"""Audits a Spark DataFrame: computed once, kept in Spark's memory, and sorted by the rules."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lakehouse.audit import FAILED_CHECKS, Audit, ReferenceRule, RowRule, Rule, UniqueRule
from lakehouse.table import Location

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_MARKS = "__lakeline_failed"
_FOUND = "__lakeline_found"
_SAMPLES = 3

Read = Callable[[Location, int], "DataFrame"]


def audited(frame: "DataFrame", rules: tuple[Rule, ...], read: Read) -> "tuple[Audit, DataFrame]":
    """What the rules found, and the frame that Spark keeps until it is let go of."""
    from pyspark.sql import functions as F

    marked = _marked(frame, rules, read).persist()
    banned = F.array(*(F.lit(rule.name) for rule in rules if rule.otherwise == "quarantine"))
    barred = F.arrays_overlap(F.col(_MARKS), banned.cast("array<string>"))
    counts = marked.agg(
        F.count(F.lit(1)),
        F.count_if(barred),
        *(F.count_if(F.array_contains(_MARKS, rule.name)) for rule in rules),
    ).collect()[0]
    failed = {rule.name: int(counts[place + 2]) for place, rule in enumerate(rules)}
    rejected = marked.filter(barred).withColumn(FAILED_CHECKS, F.array_join(_MARKS, "; ")).drop(_MARKS)
    audit = Audit(
        passed=marked.filter(~barred).drop(_MARKS),
        rejected=rejected,
        total=int(counts[0]),
        rejected_rows=int(counts[1]),
        failed=failed,
        samples={name: _samples(marked, name) for name, count in failed.items() if count},
    )
    return audit, marked


def _marked(frame: "DataFrame", rules: tuple[Rule, ...], read: Read) -> "DataFrame":
    from pyspark.sql import functions as F

    for place, rule in enumerate(rules):
        if isinstance(rule, ReferenceRule):
            frame = _with_found(frame, rule, f"{_FOUND}_{place}", read)
    marks = [F.when(_fails(rule, f"{_FOUND}_{place}"), F.lit(rule.name)) for place, rule in enumerate(rules)]
    marked = frame.withColumn(_MARKS, F.array_compact(F.array(*marks).cast("array<string>")))
    return marked.drop(*(f"{_FOUND}_{place}" for place in range(len(rules))))


def _with_found(frame: "DataFrame", rule: ReferenceRule, mark: str, read: Read) -> "DataFrame":
    from pyspark.sql import functions as F

    other = read(rule.location, rule.version).select(F.col(rule.other_column).alias(mark))
    return frame.join(other.distinct(), frame[rule.column] == F.col(mark), "left")


def _fails(rule: Rule, found: str) -> "Column":
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    if isinstance(rule, RowRule):
        return ~F.coalesce(F.expr(rule.expression), F.lit(False))
    if isinstance(rule, UniqueRule):
        return F.count(F.lit(1)).over(Window.partitionBy(*rule.columns)) > 1
    return F.col(rule.column).isNotNull() & F.col(found).isNull()


def _samples(marked: "DataFrame", name: str) -> tuple[str, ...]:
    from pyspark.sql import functions as F

    rows = marked.filter(F.array_contains(_MARKS, name)).drop(_MARKS).limit(_SAMPLES).collect()
    return tuple(", ".join(f"{key}={value!r}" for key, value in row.asDict().items()) for row in rows)
