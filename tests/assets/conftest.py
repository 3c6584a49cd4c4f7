"""A lake and an MLflow store of the test's own; the store is copied from one that was made once."""

import shutil
from pathlib import Path

import pytest

from lakehouse.lake import Lake
from registry.door import opened
from registry.settings import RegistrySettings


@pytest.fixture
def lake(own_home: Path, request: pytest.FixtureRequest) -> Lake:
    """The lake of the test's home; on the shared Spark server, where the test is marked to need Spark."""
    assert own_home.name == ".lakeline"
    if request.node.get_closest_marker("spark"):
        request.getfixturevalue("on_spark")
    return Lake.from_env()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh database of MLflow's; its tables take seconds to make."""
    home = tmp_path_factory.mktemp("empty")
    settings = RegistrySettings(lakeline_home=home, mlflow_tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    opened(settings)
    return home / "mlflow.db"


@pytest.fixture
def store(own_home: Path, empty_store: Path) -> Path:
    """The database in which the test's models are registered."""
    own_home.mkdir(exist_ok=True)
    return Path(shutil.copy(empty_store, own_home / "mlflow.db"))
