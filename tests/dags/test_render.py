import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk import DAG, Asset, AssetAlias, AssetOrTimeSchedule

from assets import catalog
from dags.bridge.drift import CheckDrift
from dags.bridge.render import render
from dags.bridge.translate import translate
from dags.bridge.uri import uris
from lakehouse.settings import LakeSettings
from tests.rooms.test_weight import loaded_by

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made() -> dict[str, DAG]:
    declared = catalog.load_jobs(["tests.dags.shop"])
    addresses = uris(declared.graph, LakeSettings(lake_root="/lake", landing_root="/landing"))
    return {spec.id: render(spec) for spec in translate(declared, addresses)}


def test_airflow_leaves_the_addresses_as_they_are(made: dict[str, DAG]) -> None:
    (outlet,) = made["tables"].get_task("silver.left").outlets
    assert isinstance(outlet, Asset)
    assert (outlet.name, outlet.uri, outlet.group) == ("silver.left", "file:///lake/silver/left", "silver")
    (trained,) = made["training"].get_task("train").outlets
    assert isinstance(trained, Asset)
    assert trained.uri == "x-mlflow-model://sizes"


def test_a_task_of_several_assets_sends_its_events_by_an_alias(made: dict[str, DAG]) -> None:
    assert made["training"].get_task("refresh").outlets == [AssetAlias(name="training.refresh")]


def test_tasks_have_what_their_assets_say(made: dict[str, DAG]) -> None:
    first = made["tables"].get_task("bronze.orders")
    assert (first.retries, first.owner, first.trigger_rule) == (4, "ann", "none_failed")
    assert "One row per order." in str(first.doc_md)
    assert made["tables"].get_task("silver.left").upstream_task_ids == {"bronze.orders"}
    assert made["training"].get_task("train").pool == "small"


def test_a_run_is_asked_for_assets_only_where_it_makes_some(made: dict[str, DAG]) -> None:
    assert set(made["tables"].params) == {"selection", "force", "why"}
    assert set(made["watching"].params) == {"why"}


def test_a_check_knows_what_it_compares(made: dict[str, DAG]) -> None:
    task = made["watching"].get_task("of_staging")
    assert isinstance(task, CheckDrift)
    assert (task.table, task.model, task.alias) == ("silver.right", "models.sizes", "staging")
    assert (task.retries, task.outlets, task.trigger_rule) == (2, [], "none_failed")
    assert "`silver.right`" in str(task.doc_md)


def test_times_and_updates_start_a_dag(made: dict[str, DAG]) -> None:
    assert isinstance(made["training"].schedule, AssetOrTimeSchedule)


@pytest.mark.slow
def test_the_parsed_file_is_short_and_loads_no_engine(tmp_path: Path) -> None:
    text = (PROJECT / "dags" / "platform_dags.py").read_text()
    assert len([line for line in text.splitlines()[1:] if line.strip()]) <= 5
    loaded = loaded_by("import dags.platform_dags", tmp_path)
    assert not {"pyspark", "mlflow", "duckdb", "pandas", "deltalake", "sklearn"} & set(loaded)


@pytest.mark.slow
def test_a_broken_definitions_module_is_told_with_its_asset(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from assets import asset\n\n@asset('Silver.x')\ndef x(rows):\n    return rows\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import dags.platform_dags"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "LAKELINE_DEFINITIONS": "broken", "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "broken.py:3: 'Silver.x' is not a key" in done.stderr.splitlines()[-1]
