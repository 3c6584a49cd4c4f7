"""How sure a model was of its answers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram

if TYPE_CHECKING:
    import numpy as np

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
        self._of(model, version, variant).observe(max(probabilities))

    def told_all(self, model: str, version: int, variant: str, probabilities: "np.ndarray") -> None:
        """Counts many rows' answers at once."""
        import numpy as np

        highest = probabilities.max(axis=1).astype(np.float64)
        counts = np.bincount(np.searchsorted(_PROBABILITIES, highest), minlength=len(_PROBABILITIES))
        histogram = self._of(model, version, variant)
        # The client has no public way to observe many values, and one by one they take longer than the prediction.
        for bucket, count in zip(histogram._buckets, counts.tolist(), strict=False):
            if count:
                bucket.inc(count)
        histogram._sum.inc(float(highest.sum()))

    def _of(self, model: str, version: int, variant: str) -> Histogram:
        key = (model, version, variant)
        histogram = self._known.get(key)
        if histogram is None:
            histogram = self._known[key] = self.probability.labels(model, str(version), variant)
        return histogram
