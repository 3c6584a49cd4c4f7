"""Counting answers on their way to the prediction log."""

from api.beside import Beside
from api.log.record import Answered, Recorder
from observability.metrics import ModelMetrics


class CountAnswers:
    """A recorder that counts each row by model, version, variant and class, and how sure the model was.

    It hands the row on to where it is compared with another version's answer, and to the log, where there are such.
    """

    def __init__(self, metrics: ModelMetrics, onward: Recorder | None = None, beside: Beside | None = None) -> None:
        self._metrics, self._onward, self._beside = metrics, onward, beside

    def record(self, answered: Answered) -> None:
        """Takes one row's answer."""
        # A whole number is a class; a regressor's answers would make a series each.
        said = answered.prediction
        label = str(said) if isinstance(said, int | str) else None
        self._metrics.answered(answered.model, answered.version, answered.variant, label)
        if answered.probabilities:
            self._metrics.sureness.told(answered.model, answered.version, answered.variant, answered.probabilities)
        if self._beside is not None:
            self._beside.take(answered)
        if self._onward is not None:
            self._onward.record(answered)
