"""What is counted where two versions of a model are on trial against each other: a canary, and a shadow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric

_DISTANCES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
_SECONDS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
_CANARY, _COMPARED = "lakeline_canary", "lakeline_compared"


class TrialMetrics:
    """Counters of a canary's requests, and of rows that another version was asked as well, beside the request.

    `variant` says who answered the request: "canary", or of a "shadow" production. A distance is half the sum of the
    differences of the probabilities, from 0 to 1; of two values, their difference as a part of their sum.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        one, both = ("model", "version"), ("model", "version", "variant")
        self.requests = Counter(f"{_CANARY}_requests", "Requests that a canary was asked", one, registry=registry)
        self.failures = Counter(
            f"{_CANARY}_failures",
            "Requests that a canary failed to answer and production answered",
            one,
            registry=registry,
        )
        self.rows = Counter(f"{_COMPARED}_rows", "Rows that both versions were asked", both, registry=registry)
        self.agreed = Counter(f"{_COMPARED}_agreed", "Rows that both versions answered alike", both, registry=registry)
        self.failed = Counter(
            f"{_COMPARED}_failed",
            "Rows that one version answered and the other, asked beside the request, could not",
            both,
            registry=registry,
        )
        self.skipped = Counter(
            f"{_COMPARED}_skipped",
            "Rows that were not compared, as too many waited",
            ("variant",),
            registry=registry,
        )
        self.distance = Histogram(
            f"{_COMPARED}_distance",
            "How far apart the probabilities of both versions are, from 0 to 1",
            both,
            buckets=_DISTANCES,
            registry=registry,
        )
        self.seconds = Histogram(
            f"{_COMPARED}_seconds",
            "Processor time of a version for one row, measured for both versions one after the other",
            both,
            buckets=_SECONDS,
            registry=registry,
        )
        self.slower = Counter(
            f"{_COMPARED}_slower",
            "Measured rows for which a version took longer than the limit of a canary",
            both,
            registry=registry,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How a version compares with the one in production; a mean is None where there is nothing to divide."""

    rows: int
    failed: int
    agreement: float | None
    distance: float | None
    timed: int
    slower: int
    seconds: float | None


class Tallies:
    """What was counted, read back from metrics."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._values: Mapping[tuple[str, str, str], float] = {
            (sample.name, sample.labels.get("version", ""), sample.labels.get("variant", "")): sample.value
            for family in families
            if family.name.startswith((_CANARY, _COMPARED))
            for sample in family.samples
            if not sample.name.endswith("_bucket")
        }

    def canary(self, version: int) -> tuple[int, int]:
        """The requests that a canary was asked, and those that it failed to answer."""
        asked = self._value(f"{_CANARY}_requests_total", version, "")
        return int(asked), int(self._value(f"{_CANARY}_failures_total", version, ""))

    def compared(self, version: int, variant: str) -> Compared:
        """What became of the rows of a variant that both versions were asked."""

        def value(name: str) -> float:
            return self._value(f"{_COMPARED}_{name}", version, variant)

        rows, timed = value("rows_total"), value("seconds_count")
        return Compared(
            rows=int(rows),
            failed=int(value("failed_total")),
            agreement=value("agreed_total") / rows if rows else None,
            distance=value("distance_sum") / rows if rows else None,
            timed=int(timed),
            slower=int(value("slower_total")),
            seconds=value("seconds_sum") / timed if timed else None,
        )

    def _value(self, name: str, version: int, variant: str) -> float:
        return self._values.get((name, str(version), variant), 0.0)
