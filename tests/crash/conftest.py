"""Workplaces on which commands are killed; each has a store of MLflow's that was made once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.door import opened
from registry.settings import RegistrySettings
from tests.crash.ledger import Ledger
from tests.journey.workplace import PROJECT, Workplace

ON_DUCKDB = "tests.crash.line_on_duckdb,tests.crash.learned"
ON_SPARK = "tests.crash.line_on_spark,tests.crash.learned"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh database of MLflow's; its tables take seconds to make."""
    home = tmp_path_factory.mktemp("empty")
    opened(RegistrySettings(lakeline_home=home, mlflow_tracking_uri=f"sqlite:///{home / 'mlflow.db'}"))
    return home / "mlflow.db"


@pytest.fixture
def workplace(tmp_path: Path, empty_store: Path) -> Callable[..., Workplace]:
    """Makes a workplace with definitions and settings of its own."""

    def made(definitions: str = ON_DUCKDB, **settings: str) -> Workplace:
        jars = os.environ.get("LAKELINE_JARS", str(PROJECT / ".lakeline" / "jars"))
        told = {"LAKELINE_DEFINITIONS": definitions, "PYTHONPATH": str(PROJECT), "LAKELINE_JARS": jars}
        place = Workplace(folder=tmp_path / "place", settings=told | settings)
        place.home.mkdir(parents=True)
        shutil.copy(empty_store, place.home / "mlflow.db")
        return place

    return made


@pytest.fixture
def ledger(workplace: Callable[..., Workplace]) -> Ledger:
    """An empty ledger of a workplace on DuckDB."""
    return Ledger(place=workplace())
