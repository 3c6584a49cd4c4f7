"""What is told of the prediction log: how much waits on this machine, what was lost, and how its commits go."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

Lost = Literal["full", "disk", "unwritable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolNow:
    """How the spool is at the moment of the question, which all servers of one home folder share.

    What was flushed, and how often that failed, is counted since the folder was made.
    """

    bytes: int
    limit_bytes: int
    segments: int
    set_aside: int
    oldest_seconds: float
    flushes: int = 0
    flushed_rows: int = 0
    flush_failures: int = 0


class SpoolMetrics:
    """What is counted where answers are recorded."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self._dropped = Counter(
            "lakeline_log_dropped_rows_total",
            "Answered rows that are not logged: the spool is full, the disk takes nothing, or the row cannot be written",
            ("reason",),
            registry=registry,
        )
        for reason in get_args(Lost):
            self._dropped.labels(reason)  # told as 0, so that the first loss is seen as a rise
        self._withheld = Counter(
            "lakeline_log_withheld_rows_total",
            "Rows that are logged without features, for a name that is to be hidden is none of the model's",
            registry=registry,
        )

    def dropped(self, reason: Lost, rows: int = 1) -> None:
        """Counts rows that are not logged."""
        self._dropped.labels(reason).inc(rows)

    def withheld(self) -> None:
        """Counts a row that is logged without its features."""
        self._withheld.inc()


def of_spool(now: SpoolNow) -> Iterable[Metric]:
    """The series of what is so now."""
    gauges = (
        ("spool_bytes", "Bytes of predictions on this machine that the lake has not", now.bytes),
        ("spool_limit_bytes", "From so many bytes on predictions are dropped", now.limit_bytes),
        ("spool_segments", "Files of predictions that the lake has not", now.segments),
        ("spool_oldest_seconds", "Since when the oldest complete file waits; 0 for none", now.oldest_seconds),
        ("set_aside_segments", "Files of predictions that could not be read, and wait for a person", now.set_aside),
    )
    counters = (
        ("flushes", "Commits of predictions to the lake", now.flushes),
        ("flushed_rows", "Predictions that were committed to the lake", now.flushed_rows),
        ("flush_failures", "Times that predictions could not be committed", now.flush_failures),
    )
    for name, told, value in gauges:
        yield GaugeMetricFamily(f"lakeline_log_{name}", told, value=float(value))
    for name, told, value in counters:
        yield CounterMetricFamily(f"lakeline_log_{name}", told, value=float(value))
