"""How far two versions' answers to the same rows are apart."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from api.log.record import Answered
from api.predictor import Predictor

if TYPE_CHECKING:
    import numpy as np

_ALIKE = 0.005
"""Two values are alike that differ by no more than this part of their sum: by about one in a hundred."""


def encoded(predictor: Predictor, answered: Predictor, rows: Sequence[Answered]) -> "np.ndarray":
    """Rows that one version answered, as another takes them; raises `InputRefused` where that one does not."""
    features = [row.features for row in rows]
    if _takes_the_same(predictor, answered):
        return predictor.encoding.rows(features)  # type: ignore[arg-type]  # the version that answered checked them
    told = [{name: _or_null(value) for name, value in row.items()} for row in features]
    return predictor.encoding.rows(predictor.signature.check_rows(told))


def apart(
    rows: Sequence[Answered], predictions: "np.ndarray", probabilities: "np.ndarray | None"
) -> "tuple[np.ndarray, np.ndarray]":
    """For each row the distance, from 0 to 1, and whether both say the same, next to what was answered.

    Of probabilities the distance is half the sum of their differences; of values their difference as a part of their sum.
    """
    import numpy as np

    answered = np.array([row.prediction for row in rows], dtype=np.float64)
    likely = [row.probabilities for row in rows]
    total = np.abs(answered) + np.abs(predictions)
    difference = np.abs(answered - predictions) / np.where(total == 0, 1.0, total)
    if probabilities is None or any(one is None for one in likely):
        return difference, difference <= _ALIKE
    width = max(probabilities.shape[1], *(len(one or ()) for one in likely))
    ours, theirs = (_wide(np.asarray(each, dtype=np.float64), width) for each in (likely, probabilities))
    return np.clip(np.abs(ours - theirs).sum(axis=1) / 2, 0.0, 1.0), answered == predictions


def _wide(likely: "np.ndarray", width: int) -> "np.ndarray":
    import numpy as np

    return np.pad(likely, ((0, 0), (0, width - likely.shape[1])))


def _takes_the_same(one: Predictor, other: Predictor) -> bool:
    return one is other or (
        one.schema.columns == other.schema.columns
        and one.card.features == other.card.features
        and one.card.derived == other.card.derived
    )


def _or_null(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
