"""What the tests of the API share: small real models in a folder."""

import shutil
from pathlib import Path

import pytest
import xgboost

from tests.api import served_models as models


@pytest.fixture(scope="session")
def iris() -> xgboost.Booster:
    """A model fitted on the iris rows."""
    return models.iris_booster()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, iris: xgboost.Booster) -> Path:
    """Three versions of the iris model, the third of which is broken."""
    folder = tmp_path_factory.mktemp("store")
    for version in (1, 2):
        models.place(folder / str(version), iris, models.card(version))
    models.place(folder / "3", iris, models.card(3, features=["one"]))
    return folder


@pytest.fixture
def folder(store: Path, tmp_path: Path) -> Path:
    """The same, to be changed by one test."""
    return Path(shutil.copytree(store, tmp_path / "models"))
