"""A model as plain values: what a training gives, what it was trained on, and what was registered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from lakehouse.stamp import InputVersion, Stamp

if TYPE_CHECKING:
    import pyarrow as pa

ALIASES = ("candidate", "staging", "production")
"""Newest trained, reviewed by a person, serving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A fitted XGBoost or scikit-learn model, and what is worth recording of the fit.

    `features` are the columns in the model's own order, `example` a few rows of them. `derived` tells how a feature is
    computed from others, as arithmetic over their names. `classes` names the labels in the order of the model's own.
    """

    model: object
    features: tuple[str, ...]
    metrics: Mapping[str, float]
    example: "pa.Table"
    parameters: Mapping[str, object] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A table that a model was trained on, at the version that was read."""

    key: str
    location: str
    input: InputVersion
    rows: "pa.Table"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One registered version of a model.

    `model_id` tells apart two models of one name, where a store was made anew. `stamp` is None for a version that
    someone else's program registered; of it, only the name and number are known.
    """

    name: str
    version: int
    model_id: str
    run_id: str
    stamp: Stamp | None
    metrics: Mapping[str, float]
    features: tuple[str, ...]
    source: str
    at: datetime
