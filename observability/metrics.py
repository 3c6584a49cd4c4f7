"""Every metric Lakeline exposes, declared once; those of probabilities and of trials in files beside this one."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from observability.sureness import Sureness
from observability.trial import TrialMetrics

# A prediction takes about a millisecond; the buckets that come with the client begin at five.
_LATENCY_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


# Loading a model takes from some milliseconds to many seconds.
_SWAP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A version that answers, and what it was made from."""

    model: str
    version: int
    run_id: str
    inputs: str
    variant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What is so at the moment of the question, over all workers of a server; `ended` are canaries, by model and version."""

    workers: int
    registry_answers: bool
    canary_share: float
    models: frozenset[ServedModel]
    shadow_share: float = 0.0
    ended: frozenset[tuple[str, int]] = frozenset()


class ModelMetrics:
    """What is counted of models and their answers."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        of_version = ("model", "version", "variant")
        self.predictions = Counter(
            "lakeline_predictions_total", "Rows that were answered", of_version, registry=registry
        )
        self.classes = Counter(
            "lakeline_predicted_classes_total",
            "Rows that were answered with a class",
            (*of_version, "class"),
            registry=registry,
        )
        self.swaps = Counter(
            "lakeline_model_swaps_total",
            "Times that a worker began to answer with another version",
            ("model", "variant"),
            registry=registry,
        )
        self.swap_seconds = Histogram(
            "lakeline_model_swap_seconds",
            "Time from noticing a version to answering with it",
            ("model", "variant"),
            buckets=_SWAP_SECONDS,
            registry=registry,
        )
        self.refusals = Counter(
            "lakeline_model_refusals_total",
            "Times that a worker found a version that cannot be served",
            of_version,
            registry=registry,
        )
        self.sureness = Sureness(registry)
        self.trial = TrialMetrics(registry)
        self._known: dict[tuple[str, int, str, str | None], tuple[Counter, ...]] = {}

    def answered(self, model: str, version: int, variant: str, answer: str | None, rows: int = 1) -> None:
        """Counts rows that were answered alike; `answer` is the class, None where the model knows no classes."""
        key = (model, version, variant, answer)
        counters = self._known.get(key)
        if counters is None:
            labels = (model, str(version), variant)
            counters = (self.predictions.labels(*labels),)
            if answer is not None:
                counters += (self.classes.labels(*labels, answer),)
            self._known[key] = counters
        for counter in counters:
            counter.inc(rows)


class RequestMetrics:
    """What is counted of HTTP requests, in a registry of its own; `models` is what is counted of models beside them.

    `collected` is what else is told, such as what other workers have counted.
    """

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, registry: CollectorRegistry | None = None, collected: Collector | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._collected = collected
        self.requests = Counter(
            "fastapi_requests_total",
            "Requests answered",
            ("method", "path", "status"),
            registry=self.registry,
        )
        self.latency = Histogram(
            "fastapi_requests_latency_seconds",
            "Time from a request's arrival to the end of its answer",
            ("method", "path"),
            buckets=_LATENCY_SECONDS,
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "fastapi_requests_in_progress",
            "Requests that are being answered",
            ("method", "path"),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.models = ModelMetrics(self.registry)

    def render(self) -> bytes:
        """All of them in Prometheus' text format."""
        if self._collected is None:
            return generate_latest(self.registry)
        everything = CollectorRegistry(auto_describe=False)
        everything.register(self._collected)
        return generate_latest(everything)

    def collect(self) -> Iterable[Metric]:
        """All of them as they are, for whoever decides by them."""
        return self.registry.collect() if self._collected is None else self._collected.collect()


class RequestMeter:
    """The series of one method and path, looked up once: a lookup by labels costs more than the counting."""

    def __init__(self, metrics: RequestMetrics, method: str, path: str) -> None:
        self._requests, self._labels = metrics.requests, (method, path)
        self._by_status: dict[int, Counter] = {}
        self.latency = metrics.latency.labels(method, path)
        self.in_progress = metrics.in_progress.labels(method, path)

    def count(self, status: int) -> None:
        """One more request that was answered so."""
        if (counter := self._by_status.get(status)) is None:
            counter = self._by_status[status] = self._requests.labels(*self._labels, str(status))
        counter.inc()


class _OfAllWorkers(Collector):
    """What all workers have counted, and what is so now."""

    def __init__(self, folder: Path, now: Callable[[], Now]) -> None:
        self._folder, self._now = folder, now

    def collect(self) -> Iterator[Metric]:
        """Sums over the files of all workers, also of one that is being started again."""
        yield from counted_in(self._folder)
        yield from _of_now(self._now())


def counted_in(folder: Path) -> Iterable[Metric]:
    """What all workers of a server have counted in a folder; to be read by any process."""
    merged: Iterable[Metric] = MultiProcessCollector.merge(
        [str(file) for file in folder.glob("*.db") if _is_filled(file)]
    )
    return merged


def _is_filled(file: Path) -> bool:
    # A worker that was killed may have left a file that it was making, or one that is being swept at this moment.
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def shared_metrics(folder: Path, slot: int, now: Callable[[], Now]) -> RequestMetrics:
    """Metrics that a worker counts beside others in a folder, which each of them can tell for all.

    The files are named for the worker's place and not for its process: one that is started again counts on, so that
    no counter falls and no file is left behind. To be called once, before anything else is counted in this process.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: slot)
    return RequestMetrics(collected=_OfAllWorkers(folder, now))


def _of_now(now: Now) -> Iterable[Metric]:
    info = GaugeMetricFamily(
        "lakeline_model_info",
        "The versions that answer, and what they were made from",
        labels=("model", "version", "run", "inputs", "variant"),
    )
    for served in sorted(now.models, key=lambda served: (served.variant, served.version)):
        info.add_metric((served.model, str(served.version), served.run_id, served.inputs, served.variant), 1.0)
    yield info
    yield GaugeMetricFamily("lakeline_workers", "Workers that answer", value=now.workers)
    yield GaugeMetricFamily(
        "lakeline_registry_answers", "1 where the registry answers, else 0", value=float(now.registry_answers)
    )
    yield GaugeMetricFamily(
        "lakeline_canary_share", "The part of the requests that the canary answers", value=now.canary_share
    )
    yield GaugeMetricFamily(
        "lakeline_shadow_share", "The part of the answers that a shadow is asked as well", value=now.shadow_share
    )
    ended = GaugeMetricFamily(
        "lakeline_canary_ended", "1 for a canary whose share the server took away", labels=("model", "version")
    )
    for model, version in sorted(now.ended):
        ended.add_metric((model, str(version)), 1.0)
    yield ended


def set_drift(registry: CollectorRegistry, name: str, column: str, ks_statistic: float, p_value: float) -> None:
    """Declares and sets the two gauges of a column's drift; `name` is the column as a metric may be called."""
    far = f"How far {column} moved from what the model was trained on: the Kolmogorov-Smirnov statistic"
    Gauge(f"{name}_ks_statistic", far, registry=registry).set(ks_statistic)
    likely = f"How likely {column} lies so far apart without any drift"
    Gauge(f"{name}_p_value", likely, registry=registry).set(p_value)


def set_pending(registry: CollectorRegistry, since_seconds: float) -> None:
    """Declares and sets since when a question waits for a person."""
    told = "Since when a person is asked whether the version may have the alias, in seconds since 1970"
    Gauge("lakeline_review_pending_since_seconds", told, registry=registry).set(since_seconds)
