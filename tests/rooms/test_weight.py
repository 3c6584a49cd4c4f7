"""What the light doors must not load: whoever plans or asks a small question waits for no engine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HEAVY = ("airflow", "deltalake", "duckdb", "mlflow", "pandas", "pyarrow", "pyspark", "sklearn", "xgboost")


def loaded_by(code: str, folder: Path) -> list[str]:
    """The heavy packages that a process has loaded after running some code."""
    told = f"{code}\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", told], cwd=folder, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    "module",
    [
        "assets",
        "assets.catalog",
        "assets.materialize",
        "assets.lineage",
        "assets.drift",
        "assets.definitions.iris",
        "api.cli.main",
        "api.log.flush",
        "api.log.spool",
        "lakehouse.lake",
        "lakehouse.spark_server",
        "registry.models",
        "registry.aliases",
        "dags",
        "dags.provider",
        "dags.bridge.translate",
    ],
)
def test_an_import_loads_no_engine(module: str, tmp_path: Path) -> None:
    assert loaded_by(f"import {module}", tmp_path) == []


def test_a_plan_loads_no_engine(tmp_path: Path) -> None:
    plan = "from assets.materialize import Materializer\nMaterializer.from_env().plan()"
    assert loaded_by(plan, tmp_path) == []


def test_the_api_loads_neither_spark_nor_mlflow_nor_airflow(tmp_path: Path) -> None:
    loaded = loaded_by("import api.app, api.server, api.production", tmp_path)
    assert not {"pyspark", "mlflow", "airflow", "pandas", "sklearn"} & set(loaded)
