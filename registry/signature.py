"""What a model takes and says, kept with it: its signature, and golden rows by which another process can check it."""

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from registry.flavors import Fitted
from registry.model import Dataset

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import xgboost
    from mlflow.models import ModelSignature

_GOLDEN = 5


def signature_of(frame: "pd.DataFrame", answers: "np.ndarray", nullable: Collection[str]) -> "ModelSignature":
    """MLflow's signature, in which a column may be left out if a row of the training had nothing in it."""
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types.schema import ColSpec, Schema, TensorSpec

    inferred = infer_signature(frame, answers)
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(column.type, name=column.name, required=column.required and column.name not in nullable)
        for column in inferred.inputs.inputs
    ]
    return ModelSignature(inputs=Schema(columns), outputs=inferred.outputs)


def nullable_in(datasets: Collection[Dataset]) -> frozenset[str]:
    """The columns in which some row of the training had nothing."""
    return frozenset(
        name
        for dataset in datasets
        for name, column in zip(dataset.rows.column_names, dataset.rows.columns, strict=True)
        if _has_nothing(column)
    )


def golden_of(fitted: Fitted, frame: "pd.DataFrame") -> dict[str, object] | None:
    """A few rows of the features and the model's own numbers for them; None for a kind that is not served."""
    rows = frame.head(_GOLDEN)
    outputs = fitted.outputs(rows)
    if outputs is None:
        return None
    told = [{str(name): plain(value) for name, value in row.items()} for row in rows.to_dict("records")]
    return {"rows": told, "outputs": [list(map(float, row)) for row in outputs]}


def plain(value: object) -> object:
    """A value of pandas' as JSON has it; what is nothing there is null."""
    told = value.item() if hasattr(value, "item") else value
    if isinstance(told, bool | int | str):
        return told
    return told if isinstance(told, float) and math.isfinite(told) else None


def columns_of(signature: "ModelSignature | None") -> tuple[Mapping[str, object], ...]:
    """The named columns of a signature: name, type, and whether each must be given."""
    inputs = None if signature is None else signature.inputs
    if inputs is None or not inputs.has_input_names() or inputs.is_tensor_spec():
        return ()
    return tuple(
        {"name": column.name, "type": getattr(column.type, "name", str(column.type)), "required": column.required}
        for column in inputs.inputs
    )


def categories_of(booster: "xgboost.Booster") -> dict[str, tuple[str, ...]]:
    """The categories of each text that an XGBoost model was fitted on, in the order in which it counts them.

    Raises `GarbledCategories` where one is beyond ASCII: XGBoost 3.2 counts characters where it stores bytes, and so
    cuts what follows at the wrong places.
    """
    if "c" not in (booster.feature_types or ()):
        return {}
    try:
        told = booster.get_categories(export_to_arrow=True).to_arrow()
        found = {name: tuple(map(str, names.to_pylist())) for name, names in told if names is not None}
    except UnicodeDecodeError as error:
        raise GarbledCategories(str(error.object)) from error
    for name in (name for names in found.values() for name in names):
        if not name.isascii():
            raise GarbledCategories(name)
    return found


class GarbledCategories(ValueError):
    """A text beyond ASCII among a model's categories."""

    def __str__(self) -> str:
        cut = "XGBoost keeps categories beyond ASCII cut at the wrong places"
        return f"{cut}, as {self.args[0]!r}; give it the texts in ASCII, or as numbers"


def _has_nothing(column: "pa.ChunkedArray") -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        return True
    return pa.types.is_floating(column.type) and bool(cast("pa.Scalar", pc.any(pc.is_nan(column))).as_py())
