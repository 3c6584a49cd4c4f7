"""What the function of a model gives back, and what a reader of a model gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Predictor(Protocol):
    """What a function gets for an input such as `models.iris@staging`: the registered model at that alias."""

    @property
    def version(self) -> int:
        """The version that the alias stands at."""
        ...

    def predict(self, table: "pa.Table") -> "np.ndarray":
        """One prediction for each row; the table holds the features, in any order."""
        ...

    def probabilities(self, table: "pa.Table") -> "np.ndarray":
        """Of shape (rows, classes): how likely each class is; only for a classifier."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A fitted model and what is worth recording of the fit.

    `model` is an XGBoost or scikit-learn model that takes the `features` in that order. `derived` tells how a feature is
    computed from the fields of a request, as arithmetic over their names: `{"petal_ratio": "petal_length / petal_width"}`;
    the API computes it by the same words. `example` holds a few rows of the features. `classes` names the labels of a
    classifier in the order of the model's own numbers.
    """

    model: object
    features: tuple[str, ...]
    metrics: Mapping[str, float]
    example: "pa.Table"
    parameters: Mapping[str, object] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
