"""Every metric Lakeline exposes, declared once."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

# A prediction takes about a millisecond; the buckets that come with the client begin at five.
_LATENCY_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class RequestMetrics:
    """What is counted of HTTP requests, in a registry of its own."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
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
        )

    def render(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)


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
