"""What the tests of the registry keep: small fitted models in a lake, and processes that die on the way."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from lakehouse.stamp import InputVersion, Stamp
from registry.model import Dataset, TrainedModel
from registry.models import Models
from registry.settings import RegistrySettings

NAME = "iris_xgboost_classifier"
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width", "petal_ratio")
DERIVED = {"petal_ratio": "petal_length / petal_width"}


def lake_in(root: Path) -> Lake:
    """A lake in a folder."""
    return Lake(LakeSettings(lake_root=str(root)))


def flowers() -> pa.Table:
    """The iris rows with the ratio beside them, and the number of the species."""
    from sklearn.datasets import load_iris

    rows, species = load_iris(return_X_y=True)
    columns = [rows[:, place] for place in range(4)] + [rows[:, 2] / rows[:, 3]]
    return pa.table(dict(zip(FEATURES, columns, strict=True)) | {"species": species})


def trained(accuracy: float = 0.9, model: object = None, **changes: object) -> TrainedModel:
    """A fitted model, as a training gives it."""
    from xgboost import XGBClassifier

    rows = flowers()
    if model is None:
        frame = rows.select(list(FEATURES)).to_pandas()
        model = XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1, random_state=7).fit(
            frame, rows["species"].to_numpy()
        )
    given: dict[str, object] = {
        "model": model,
        "features": FEATURES,
        "metrics": {"accuracy": accuracy, "log_loss": 0.1},
        "parameters": {"n_estimators": 5},
        "derived": DERIVED,
        "example": rows.select(list(FEATURES)).slice(0, 3),
        "classes": ("setosa", "versicolor", "virginica"),
    }
    return TrainedModel(**(given | changes))  # type: ignore[arg-type]


def stamp(version: int = 3, sequence: int = 1, run: str = "r1") -> Stamp:
    """The stamp of a model that was trained on a version of the gold table."""
    read = {"gold.iris_features": InputVersion(table="t-1", version=version)}
    return Stamp(asset=f"models.{NAME}", code="c0de", inputs=read, run=run, sequence=sequence)


def datasets(version: int = 3) -> tuple[Dataset, ...]:
    """The table that the model was trained on."""
    read = InputVersion(table="t-1", version=version)
    return (Dataset(key="gold.iris_features", location="/lake/gold/iris_features", input=read, rows=flowers()),)


def save(models: Models, version: int = 3, sequence: int = 1, accuracy: float = 0.9, run: str = "r1") -> int:
    """Trains and keeps a version; its number."""
    made = models.save(NAME, lambda: trained(accuracy), stamp(version, sequence, run), datasets(version))
    return made.version


def die_at(point: str) -> Callable[[str], None]:
    """A hook that kills its process where it passes a point."""

    def passing(reached: str) -> None:
        if reached == point:
            os._exit(9)

    return passing


def die_saving(home: str, uri: str, lake: str, point: str) -> None:
    """Saves in this process, and dies at a point."""
    settings = RegistrySettings(lakeline_home=Path(home), mlflow_tracking_uri=uri)
    save(Models(settings, lake_in(Path(lake)), passing=die_at(point)), run="died")


def die_promoting(home: str, uri: str, lake: str, point: str) -> None:
    """Promotes the first version in this process, and dies at a point."""
    settings = RegistrySettings(lakeline_home=Path(home), mlflow_tracking_uri=uri)
    models = Models(settings, lake_in(Path(lake)), passing=die_at(point))
    models.promote(NAME, 1, "staging", by="ann", why="reviewed")
