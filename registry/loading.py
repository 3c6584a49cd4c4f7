"""A registered model, brought here and ready to be asked."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from registry import flavors
from registry.door import is_missing, opened, told, tracking
from registry.errors import (
    FeaturesMissing,
    ModelUnreadable,
    ModelUnsupported,
    NoProbabilities,
    RegistryRefused,
    UnknownVersion,
)
from registry.flavors import METADATA, Fitted
from registry.settings import RegistrySettings
from registry.signature import columns_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A registered version that predicts.

    `features` are in the model's own order. `classes` names its labels, where the training told them.
    """

    name: str
    version: int
    run_id: str
    features: tuple[str, ...]
    fitted: Fitted
    classes: tuple[str, ...] = ()
    derived: Mapping[str, str] = field(default_factory=dict)

    def predict(self, table: "pa.Table") -> "np.ndarray":
        """One prediction for each row, in the model's own labels; the table holds the features, in any order."""
        return self.fitted.predict(self._frame(table))

    def probabilities(self, table: "pa.Table") -> "np.ndarray":
        """Of shape (rows, classes): how likely each class is; only for a classifier."""
        found = self.fitted.probabilities(self._frame(table))
        if found is None:
            kind = f"{type(self.fitted.model).__module__}.{type(self.fitted.model).__qualname__}"
            raise NoProbabilities(self.name, self.version, kind)
        return found

    def _frame(self, table: "pa.Table") -> "pd.DataFrame":
        found = tuple(table.column_names)
        if missing := tuple(feature for feature in self.features if feature not in found):
            raise FeaturesMissing(self.name, self.version, missing, found)
        return flavors.frame_of(table, self.features, self.fitted.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """The files of a version in a folder, and what MLflow says of it."""

    folder: Path
    run_id: str
    tags: Mapping[str, str]
    flavors: Mapping[str, Mapping[str, object]]
    features: tuple[str, ...]
    derived: Mapping[str, str]
    classes: tuple[str, ...]
    example: Mapping[str, object] | None
    columns: tuple[Mapping[str, object], ...]
    golden: Mapping[str, object] | None


def download(settings: RegistrySettings, name: str, version: int, folder: Path) -> Downloaded:
    """Brings the files of a version into a folder."""
    if settings.database is not None and not settings.database.exists():
        raise RegistryRefused(settings.address, f"hand out version {version} of {name!r}", "there is no such database")
    with told(settings, f"hand out version {version} of {name!r}"):
        client = opened(settings)
        with is_missing() as missing:
            found = client.get_model_version(name, str(version))
        if missing:
            with is_missing() as no_model:
                others = client.search_model_versions(f"name = '{name}'")
            known = () if no_model else tuple(sorted(int(other.version) for other in others))
            raise UnknownVersion(name, version, known, f"MLflow at {settings.address!r}")
        source = found.source or f"models:/{name}/{version}"
        import mlflow.artifacts
        from mlflow.exceptions import MlflowException
        from mlflow.models import Model

        try:
            # A copy: MLflow would else hand out, and write into, the store's own folder.
            with tracking(settings):
                place = Path(mlflow.artifacts.download_artifacts(source, dst_path=str(folder)))
            logged = Model.load(str(place))
        except (OSError, MlflowException) as error:
            if isinstance(error, MlflowException) and _is_passing(error):
                raise
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelUnreadable(name, version, reason) from error
    return _described(place, found.run_id or "", dict(found.tags), logged)


def load(settings: RegistrySettings, name: str, version: int) -> LoadedModel:
    """The model of a version, in this process."""
    with told(settings, f"load version {version} of {name!r}"):
        settings.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="lakeline-model-") as folder:
            found = download(settings, name, version, Path(folder))
            try:
                fitted = flavors.load(found.folder, found.flavors)
            except (OSError, ValueError, TypeError, ImportError) as error:
                raise ModelUnreadable(name, version, (str(error).splitlines() or [repr(error)])[0]) from error
    if fitted is None:
        kinds = ", ".join(kind for kind in found.flavors if kind != "python_function") or "unknown"
        raise ModelUnsupported(name, kinds, ("xgboost", "sklearn"))
    return LoadedModel(
        name=name,
        version=version,
        run_id=found.run_id,
        features=found.features or fitted.feature_names or (),
        fitted=fitted,
        classes=found.classes,
        derived=found.derived,
    )


def _described(place: Path, run_id: str, tags: Mapping[str, str], logged: object) -> Downloaded:
    from mlflow.models import Model

    model = cast(Model, logged)
    ours = (model.metadata or {}).get(METADATA) or {}
    signature = model.signature
    named = signature.inputs.input_names() if signature is not None and signature.inputs is not None else ()
    return Downloaded(
        folder=place,
        run_id=run_id,
        tags=tags,
        flavors=dict(model.flavors),
        features=tuple(str(name) for name in (ours.get("features") or named)),
        derived=dict(ours.get("derived") or {}),
        classes=tuple(str(name) for name in ours.get("classes") or ()),
        example=ours.get("example"),
        columns=columns_of(signature),
        golden=ours.get("golden"),
    )


def _is_passing(error: Exception) -> bool:
    return any(word in str(error).lower() for word in ("locked", "connection", "timed out"))
