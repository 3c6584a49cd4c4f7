"""Counting answers on their way to the prediction log."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.beside import Beside
from api.log.record import Answered, Recorder
from api.serving import Chosen
from observability.metrics import ModelMetrics

if TYPE_CHECKING:
    import numpy as np


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

    def count_all(
        self, chosen: Chosen, predictions: "np.ndarray", probabilities: "np.ndarray | None"
    ) -> Recorder | None:
        """Counts many rows at once; who is still to be told of each row, None where nobody is."""
        import numpy as np

        card = chosen.predictor.card
        labels = (card.name, card.version, chosen.variant)
        if predictions.dtype.kind in "iu":
            for value, count in zip(*map(np.ndarray.tolist, np.unique(predictions, return_counts=True)), strict=True):
                self._metrics.answered(*labels, str(value), count)
        else:
            self._metrics.answered(*labels, None, len(predictions))
        if probabilities is not None:
            self._metrics.sureness.told_all(*labels, probabilities)
        if self._beside is None or not self._beside.takes(chosen.variant):
            return self._onward
        return _Both(self._beside, self._onward)


@dataclass(frozen=True, slots=True)
class _Both:
    """Hands rows that were counted on."""

    beside: Beside
    onward: Recorder | None

    def record(self, answered: Answered) -> None:
        """Takes one row's answer."""
        self.beside.take(answered)
        if self.onward is not None:
            self.onward.record(answered)
