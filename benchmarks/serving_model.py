"""The model that all servers serve: 300 trees on the iris rows, in an MLflow store and a lake of the benchmark's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from lakehouse.stamp import InputVersion, Stamp
from registry.model import Dataset, TrainedModel
from registry.models import Models
from registry.settings import RegistrySettings

NAME = "iris_served"
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
TREES = 300
VERSIONS = 3
# One flower of the first species and one of the last, with what a right answer is.
FLOWERS = (((5.1, 3.5, 1.4, 0.2), 0), ((6.3, 3.3, 6.0, 2.5), 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An MLflow store on SQLite with the versions of the model, the first of them in production; and their journal."""

    folder: Path
    tracking_uri: str

    @property
    def models(self) -> Models:
        return Models(RegistrySettings(lakeline_home=self.folder, mlflow_tracking_uri=self.tracking_uri), self.lake)

    @property
    def lake(self) -> Lake:
        return Lake(LakeSettings(lake_root=str(self.folder / "lake")))

    @property
    def environment(self) -> Mapping[str, str]:
        """What a server needs to find it."""
        return {
            "MLFLOW_TRACKING_URI": self.tracking_uri,
            "LAKE_ROOT": str(self.folder / "lake"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
        }

    @property
    def model_file(self) -> Path:
        """The first version's file, as XGBoost wrote it."""
        return min((self.folder / "mlartifacts").rglob("model.ubj"), key=lambda file: file.stat().st_mtime)


def made(folder: Path, tracking_uri: str | None = None) -> Store:
    """Trains and registers; `tracking_uri` names a server in place of the SQLite store."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder=folder, tracking_uri=tracking_uri or f"sqlite:///{folder / 'mlflow.db'}")
    for place in range(VERSIONS):
        _register(store.models, place)
    store.models.promote(NAME, 1, "production", by="benchmark", why="the first that is served")
    store.models.promote(NAME, 2, "staging", by="benchmark", why="what a canary serves")
    return store


def _register(models: Models, place: int) -> None:
    read = InputVersion(table="benchmark", version=place)
    key = "gold.iris_features"
    stamp = Stamp(asset=f"models.{NAME}", code="benchmark", inputs={key: read}, run="benchmark", sequence=place + 1)
    trained = _trained(seed=place)
    dataset = Dataset(key=key, location="benchmark", input=read, rows=trained.example)
    models.save(NAME, lambda: trained, stamp, (dataset,))


def _trained(seed: int) -> TrainedModel:
    import pyarrow as pa
    from sklearn.datasets import load_iris
    from xgboost import XGBClassifier

    rows, species = load_iris(return_X_y=True, as_frame=True)
    rows.columns = list(FEATURES)
    parameters: dict[str, object] = {"n_estimators": TREES, "max_depth": 3, "subsample": 0.9, "random_state": seed}
    classifier = XGBClassifier(**parameters, objective="multi:softprob", tree_method="hist", n_jobs=1)
    classifier.fit(rows, species)
    return TrainedModel(
        model=classifier,
        features=FEATURES,
        metrics={"accuracy": float(classifier.score(rows, species))},
        parameters=parameters,
        example=pa.Table.from_pandas(rows.head(5), preserve_index=False),
        classes=("setosa", "versicolor", "virginica"),
    )
