"""The two kinds of models that are kept, XGBoost's and scikit-learn's: told apart, logged, loaded, and asked."""

import importlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from registry.errors import ModelRefused, ModelUnsupported
from registry.model import TrainedModel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import xgboost
    from mlflow.models import ModelSignature

Kind = Literal["xgboost", "sklearn"]

METADATA = "lakeline"
"""The key in a logged model's metadata under which its features, derived features and classes are told."""

_SUPPORTED = ("an XGBoost Booster or XGBModel", "a scikit-learn estimator")
_PACKAGES: Mapping[Kind, tuple[str, ...]] = {
    "xgboost": ("xgboost", "scikit-learn", "numpy", "pandas"),
    "sklearn": ("scikit-learn", "skops", "numpy", "pandas", "scipy"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted model that can be asked; a row's answer is in the model's own labels."""

    kind: Kind
    model: Any

    def predict(self, frame: "pd.DataFrame") -> "np.ndarray":
        """One label or value for each row."""
        import numpy as np

        if not self._is_booster:
            return np.asarray(self.model.predict(frame))
        told = self._outputs(self.model, frame)
        if told.ndim == 2:
            return cast("np.ndarray", told.argmax(axis=1))
        return (told > 0.5).astype("int64") if self._objective == "binary:logistic" else told

    def probabilities(self, frame: "pd.DataFrame") -> "np.ndarray | None":
        """Of shape (rows, classes); None where the model tells none."""
        import numpy as np

        if not self._is_booster:
            told = getattr(self.model, "predict_proba", None)
            return None if told is None else np.asarray(told(frame))
        if self._objective == "multi:softprob":
            return self._outputs(self.model, frame)
        if self._objective != "binary:logistic":
            return None
        second = self._outputs(self.model, frame)
        return np.column_stack([1 - second, second])

    def outputs(self, frame: "pd.DataFrame") -> "np.ndarray | None":
        """The model's own numbers, of shape (rows, numbers); None for a kind that tells only answers."""
        booster = self.booster
        return None if booster is None else self._outputs(booster, frame).reshape(len(frame), -1)

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names that the model was fitted with; None where it was fitted without."""
        booster = self.booster
        names: Sequence[str] | None = (
            booster.feature_names if booster is not None else getattr(self.model, "feature_names_in_", None)
        )
        return None if names is None else tuple(str(name) for name in names)

    @property
    def _is_booster(self) -> bool:
        return type(self.model).__name__ == "Booster"

    @property
    def booster(self) -> "xgboost.Booster | None":
        """What XGBoost itself fitted; None for another kind."""
        if self.kind != "xgboost":
            return None
        return cast("xgboost.Booster", self.model if self._is_booster else self.model.get_booster())

    @property
    def _objective(self) -> str:
        import json

        return str(json.loads(self.model.save_config())["learner"]["objective"]["name"])

    @staticmethod
    def _outputs(booster: "xgboost.Booster", frame: "pd.DataFrame") -> "np.ndarray":
        import numpy as np
        import xgboost

        best = booster.attr("best_iteration")
        trees = (0, 0) if best is None else (0, int(best) + 1)
        # A model fitted without names takes the columns by their place.
        data = xgboost.DMatrix(frame if booster.feature_names else frame.to_numpy(), enable_categorical=True)
        return np.asarray(booster.predict(data, iteration_range=trees))


def import_libraries() -> None:
    """Imports what models are made of, where it is installed: of two threads that import XGBoost at once, one gets half of it."""
    for module in ("sklearn", "xgboost"):
        with suppress(ImportError):
            importlib.import_module(module)


def fitted(name: str, model: object) -> Fitted:
    """A model of a kind that can be kept."""
    packages = {base.__module__.split(".")[0] for base in type(model).__mro__}
    if "xgboost" in packages:
        return Fitted(kind="xgboost", model=model)
    if "sklearn" in packages and hasattr(model, "predict"):
        return Fitted(kind="sklearn", model=model)
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise ModelUnsupported(name, kind.removeprefix("builtins."), _SUPPORTED)


def checked_example(name: str, trained: TrainedModel, asked: Fitted) -> tuple["pd.DataFrame", "np.ndarray"]:
    """The example rows as the model takes them, and its answers; refuses what does not fit together."""
    columns = tuple(trained.example.column_names)
    missing = [feature for feature in trained.features if feature not in columns]
    if not trained.features:
        raise ModelRefused(name, "it names no features")
    if len(set(trained.features)) < len(trained.features):
        raise ModelRefused(name, f"a feature is named twice in {', '.join(trained.features)}")
    if missing:
        raise ModelRefused(name, f"its example has no {', '.join(missing)}; found {', '.join(columns)}")
    if unknown := [feature for feature in trained.derived if feature not in trained.features]:
        raise ModelRefused(name, f"{', '.join(unknown)} is derived and not one of its features")
    if trained.example.num_rows == 0:
        raise ModelRefused(name, "its example has no rows")
    frame = frame_of(trained.example, trained.features, asked.kind)
    try:
        names = asked.feature_names
        if names is not None and names != trained.features:
            told = f"it was fitted on {', '.join(names)}, and its features are {', '.join(trained.features)}"
            raise ModelRefused(name, told)
        return frame, asked.predict(frame)
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelRefused(name, f"it cannot predict its own example: {str(error).splitlines()[0]}") from error


def frame_of(table: "pa.Table", features: Sequence[str], kind: Kind) -> "pd.DataFrame":
    """Rows as a model of a kind takes them: XGBoost knows a text only as one of its categories."""
    frame = table.select(list(features)).to_pandas()
    texts = [name for name in frame.columns if frame[name].dtype == object] if kind == "xgboost" else []
    return cast("pd.DataFrame", frame.astype(dict.fromkeys(texts, "category")))


def log(
    trained: TrainedModel, asked: Fitted, frame: "pd.DataFrame", signature: "ModelSignature", golden: object
) -> str:
    """Logs a model into the active run of MLflow, and returns the address of what was logged."""
    told: dict[str, object] = {
        "features": list(trained.features),
        "derived": dict(trained.derived),
        "classes": list(trained.classes),
        "example": {key: _number(value) for key, value in frame.iloc[0].to_dict().items()},
        "golden": golden,
    }
    common: dict[str, Any] = {
        "name": "model",
        "signature": signature,
        "input_example": frame,
        "metadata": {METADATA: told},
        # Left to itself, MLflow loads the model in another process to find these.
        "pip_requirements": [f"{package}=={importlib.metadata.version(package)}" for package in _PACKAGES[asked.kind]],
    }
    if asked.kind == "xgboost":
        import mlflow.xgboost

        return str(mlflow.xgboost.log_model(asked.model, model_format="ubj", **common).model_uri)
    import mlflow.sklearn
    import skops.io

    # The estimator was fitted here a moment ago: whatever types it is made of may be loaded again.
    trusted = skops.io.get_untrusted_types(data=skops.io.dumps(asked.model))
    logged = mlflow.sklearn.log_model(asked.model, serialization_format="skops", skops_trusted_types=trusted, **common)
    return str(logged.model_uri)


def load(folder: Path, flavors: Mapping[str, object]) -> Fitted | None:
    """The model in a folder of MLflow's; None where it is of no kind that we know."""
    if "xgboost" in flavors:
        import mlflow.xgboost

        return Fitted(kind="xgboost", model=mlflow.xgboost.load_model(str(folder)))
    if "sklearn" in flavors:
        import mlflow.sklearn

        return Fitted(kind="sklearn", model=mlflow.sklearn.load_model(str(folder)))
    return None


def _number(value: object) -> object:
    return value.item() if hasattr(value, "item") else value
