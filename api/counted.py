"""Counting answers on their way to the prediction log."""

from api.log.record import Answered, Recorder
from observability.metrics import ModelMetrics


class CountAnswers:
    """A recorder that counts each row by model, version, variant and class, and hands it on where there is a log."""

    def __init__(self, metrics: ModelMetrics, onward: Recorder | None = None) -> None:
        self._metrics, self._onward = metrics, onward

    def record(self, answered: Answered) -> None:
        """Takes one row's answer."""
        # A whole number is a class; a regressor's answers would make a series each.
        said = answered.prediction
        label = str(said) if isinstance(said, int | str) else None
        self._metrics.answered(answered.model, answered.version, answered.variant, label)
        if self._onward is not None:
            self._onward.record(answered)
