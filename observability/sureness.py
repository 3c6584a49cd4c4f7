"""How sure a model was of its answers."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Histogram

_PROBABILITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class Sureness:
    """The probabilities of the classes that were answered, by model, version and variant."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.probability = Histogram(
            "lakeline_prediction_probability",
            "Probability of the class that was answered",
            ("model", "version", "variant"),
            buckets=_PROBABILITIES,
            registry=registry,
        )
        self._known: dict[tuple[str, int, str], Histogram] = {}

    def told(self, model: str, version: int, variant: str, probabilities: Sequence[float]) -> None:
        """Counts one row's answer, which is its likeliest class."""
        key = (model, version, variant)
        histogram = self._known.get(key)
        if histogram is None:
            histogram = self._known[key] = self.probability.labels(model, str(version), variant)
        histogram.observe(max(probabilities))
