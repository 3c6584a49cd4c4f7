"""An Airflow of others, with DAGs written by hand: the lake by a connection, MLflow's pages, OpenLineage."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from registry.models import Models
from registry.settings import RegistrySettings
from tests.dags.rest import Json, rows, until
from tests.dags.running_airflow import RealAirflow, real_airflow_on
from tests.dags.theirs import DAGS, DEFINITIONS
from tests.journey.mlflow_server import mlflow_server, ready

pytestmark = pytest.mark.slow

SECRET = "s3cret-of-theirs"


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """A running Airflow in which nothing but a connection says where the lake is."""

    airflow: RealAirflow
    lake: Lake
    mlflow: str
    told: Path

    def ran(self, dag: str) -> str:
        """A run of a DAG that has ended well."""
        run = self.airflow.rest.trigger(dag)
        assert self.airflow.rest.wait_for_run(dag, run) == "success", self.airflow.rest.tasks(dag, run)
        return run

    def lineage(self, task: str) -> Json:
        """The last event of OpenLineage that tells what a task has made."""

        def last() -> Json | None:
            lines = self.told.read_text().splitlines() if self.told.exists() else []
            events = [json.loads(line) for line in lines]
            ended = [e for e in events if e["eventType"] == "COMPLETE" and e["job"]["name"] == task and e["outputs"]]
            return ended[-1] if ended else None

        return until(last, f"OpenLineage of {task}")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theirs]:
    folder = tmp_path_factory.mktemp("theirs")
    told = folder / "lineage.json"
    with mlflow_server(folder / "mlflow") as mlflow:
        connection = {
            "conn_type": "lakeline",
            "host": str(folder / "lake"),
            "login": "them",
            "password": SECRET,
            "extra": {
                "lakeline_home": str(folder / "home"),
                "landing_root": str(folder / "landing"),
                "mlflow_tracking_uri": mlflow.address,
            },
        }
        more = {
            "LAKELINE_HOME": "",
            "THEIR_LANDING": str(folder / "landing"),
            "AIRFLOW_CONN_LAKELINE_DEFAULT": json.dumps(connection),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(told), "append": True}),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "theirs",
        }
        with real_airflow_on(folder, more=more) as airflow:
            ready(mlflow)
            airflow.add("their_assets", DEFINITIONS)
            airflow.add_file("theirs", DAGS)
            for dag in ("their_training", "their_line", "their_report", "their_taking", "their_checks", "their_review"):
                airflow.rest.wait_for_dag(dag)
            settings = LakeSettings(lake_root=str(folder / "lake"), lakeline_home=folder / "home")
            yield Theirs(airflow=airflow, lake=Lake(settings), mlflow=mlflow.address, told=told)


@pytest.fixture(scope="module")
def made(theirs: Theirs) -> str:
    """The first run of the DAG that makes what the others read."""
    return theirs.ran("their_line")


def test_a_task_by_hand_makes_assets_and_wakes_a_dag_by_hand(theirs: Theirs, made: str) -> None:
    rest, run = theirs.airflow.rest, made
    log = rest.log("their_line", run, "make")
    assert "plan: gold.their_rows is MISSING" in log
    assert "gold.their_copy: made, nothing -> v0, 10 rows" in log
    assert "gold.their_copy v0 was made from gold.their_rows v0" in log
    assert "made ['gold.their_copy', 'gold.their_rows']" in rest.log("their_line", run, "tell")
    assert theirs.lake.history("gold.their_copy")[-1].stamp.run == f"their_line/{run}"  # type: ignore[union-attr]
    (report,) = rest.wait_for_runs("their_report")
    assert report["state"] == "success"
    assert "version 0 has 10 rows" in rest.log("their_report", str(report["dag_run_id"]), "tell")


def test_a_secret_of_the_connection_is_in_no_log_even_where_an_author_prints_it(theirs: Theirs, made: str) -> None:
    logs = [path.read_text(errors="replace") for path in theirs.airflow.airflow.home.rglob("*.log")]
    assert any("the secret is ***" in log for log in logs)
    assert not any(SECRET in log for log in logs)


def test_a_task_that_makes_nothing_is_skipped_with_what_follows(theirs: Theirs, made: str) -> None:
    run = theirs.ran("their_line")
    assert theirs.airflow.rest.tasks("their_line", run) == {"make": "skipped", "tell": "skipped"}
    assert "plan: gold.their_copy is FRESH at v0" in theirs.airflow.rest.log("their_line", run, "make")


def test_an_operator_of_others_wakes_what_takes_its_files(theirs: Theirs) -> None:
    theirs.ran("their_fetch")
    taking = theirs.airflow.rest.wait_for_runs("their_taking")  # the folder is watched as well
    assert taking[0]["state"] == "success"
    assert theirs.lake.read_arrow("bronze.their_taken")["id"].to_pylist() == ["7"]


def test_a_check_that_fails_names_its_rule_and_the_rows(theirs: Theirs, made: str) -> None:
    rest = theirs.airflow.rest
    run = rest.trigger("their_checks")
    assert rest.wait_for_run("their_checks", run) == "failed"
    log = rest.log("their_checks", run, "gold.their_few")
    assert "2 of 10 rows fail 'id < 8', such as (" in log


@pytest.fixture(scope="module")
def trained(theirs: Theirs, made: str) -> str:
    """A run in which a model was trained."""
    return theirs.ran("their_training")


def test_a_training_has_the_button_of_its_run(theirs: Theirs, trained: str) -> None:
    rest = theirs.airflow.rest
    links = rest.get(f"dags/their_training/dagRuns/{trained}/taskInstances/models.their_tree/links")["extra_links"]
    page = f"{theirs.mlflow}/#/experiments/1/runs/{theirs_run_id(theirs)}"
    assert links == {"MLflow run": page}
    assert f"in MLflow: {page}" in rest.log("their_training", trained, "models.their_tree")


def theirs_run_id(theirs: Theirs) -> str:
    """The run of MLflow's that trained the newest version, as the journal tells."""
    stamp = theirs.lake.history("ops.model_journal")[-1].stamp
    assert stamp is not None
    told = stamp.extra["journal"]
    assert isinstance(told, dict)
    return str(told["run_id"])


def test_openlineage_is_told_which_versions_were_read_and_made(theirs: Theirs, trained: str) -> None:
    root = theirs.lake.settings.root.uri
    tables = theirs.lineage("their_line.make")
    versions = {each["name"]: each["facets"]["version"]["datasetVersion"] for each in rows(tables["outputs"])}
    assert versions == {f"{root}/gold/their_rows": "0", f"{root}/gold/their_copy": "0"}
    assert tables["inputs"] == []
    tree = theirs.lineage("their_training.models.their_tree")
    assert datasets(tree["inputs"]) == [("file", f"{root}/gold/their_rows", "0")]
    assert datasets(tree["outputs"]) == [("mlflow", "their_tree", "1")]


def datasets(told: object) -> list[tuple[str, str, str]]:
    """The datasets of an event, with their versions."""
    return [(each["namespace"], each["name"], each["facets"]["version"]["datasetVersion"]) for each in rows(told)]  # type: ignore[index]


def test_who_is_asked_finds_the_version_in_mlflow_and_a_move_elsewhere_answers(theirs: Theirs, trained: str) -> None:
    rest = theirs.airflow.rest
    run = rest.trigger("their_review")
    path = f"dags/their_review/dagRuns/{run}/hitlDetails"
    (asked,) = until(lambda: rows(rest.get(path, response_received="false")["hitl_details"]) or None, "a question")
    page = f"{theirs.mlflow}/#/models/their_tree/versions/1"
    assert f"[Version 1 in MLflow]({page})" in str(asked["body"])
    links = rest.get(f"dags/their_review/dagRuns/{run}/taskInstances/approve_staging/links")["extra_links"]
    assert links == {"MLflow model version": page}
    models = Models(RegistrySettings(mlflow_tracking_uri=theirs.mlflow), theirs.lake)
    models.promote("their_tree", 1, "staging", by="ann", why="moved at a terminal, and seen by the triggerer")
    assert rest.wait_for_run("their_review", run) == "success"
