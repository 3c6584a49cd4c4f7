"""People review models in a real Airflow: at once, late, not at all, in the terminal."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lakehouse.lake import Lake
from registry.journal import Event
from registry.models import Models
from tests.dags.rest import Json, until
from tests.dags.running_airflow import RealAirflow

pytestmark = pytest.mark.slow

REVIEWED = """
import pyarrow as pa

from assets import Approve, Materialize, OnUpdate, Predictions, Trained, WaitFor, asset, job, model

TREE = "models.review_tree"


@asset("gold.review_rows", engine="duckdb")
def review_rows():
    return pa.table({"id": list(range(10))})


@model(TREE, inputs={"rows": "gold.review_rows"})
def review_tree(rows: pa.Table) -> Trained:
    from sklearn.tree import DecisionTreeClassifier

    features = rows.select(["id"])
    labels = [int(number > 4) for number in rows["id"].to_pylist()]
    fitted = DecisionTreeClassifier(max_depth=2, random_state=0).fit(features.to_pandas(), labels)
    return Trained(
        model=fitted, features=("id",), metrics={"accuracy": 0.9}, example=features.slice(0, 2), classes=("low", "high")
    )


@asset("gold.review_told", inputs={"rows": "gold.review_rows", "tree": TREE + "@staging"}, engine="duckdb")
def review_told(rows, tree):
    table = rows.to_arrow_table()
    return table.append_column("told", pa.array([int(told) for told in tree.predict(table)]))


training = job("review_training", steps=[Materialize("gold.review_rows, models.review_tree", by="step")])
review = job(
    "review",
    steps=[
        Approve(TREE, "staging"),
        Approve(TREE, "production", shown=Predictions(table="gold.review_told", of="told", by="id")),
    ],
    schedule=OnUpdate.any(TREE),
)
inference = job(
    "review_inference",
    steps=[WaitFor(TREE, "staging"), Materialize("gold.review_told", by="step")],
    schedule=OnUpdate.any(TREE + "@staging"),
)
"""


@pytest.fixture(scope="module")
def reviewed(real_airflow: RealAirflow) -> RealAirflow:
    """An Airflow that knows the jobs of a model that is reviewed."""
    real_airflow.add("reviewed", REVIEWED)
    for dag in ("review_training", "review", "review_inference"):
        real_airflow.rest.wait_for_dag(dag)
    return real_airflow


@pytest.fixture
def models(reviewed: RealAirflow, monkeypatch: pytest.MonkeyPatch) -> Models:
    """The models of that Airflow's lake."""
    monkeypatch.setenv("LAKELINE_HOME", str(reviewed.lake_home))
    return Models.from_env(Lake.from_env())


def trained(airflow: RealAirflow) -> None:
    """One more version, made by a run of the training."""
    run = airflow.rest.trigger("review_training", {"force": True})
    assert airflow.rest.wait_for_run("review_training", run) == "success", airflow.rest.log(
        "review_training", run, "materialize"
    )


def question(airflow: RealAirflow, version: int, alias: str) -> Json:
    """The question that waits for a person."""

    def look() -> Json | None:
        asked = [q for q in airflow.rest.pending("review") if f"version {version} to {alias}" in str(q["subject"])]
        return asked[0] if asked else None

    return until(look, f"a question about version {version} to {alias}", 120)


def answer(airflow: RealAirflow, asked: Json, option: str, why: str = "") -> None:
    """Answers as a person does in the browser."""
    task = asked["task_instance"]
    assert isinstance(task, dict)
    told = airflow.rest.answer("review", str(task["dag_run_id"]), str(task["task_id"]), [option], {"why": why})
    assert told.status_code == 200, told.text


def state_of(airflow: RealAirflow, asked: Json) -> str | None:
    """How the task that asked is now."""
    task = asked["task_instance"]
    assert isinstance(task, dict)
    return airflow.rest.tasks("review", str(task["dag_run_id"]))[str(task["task_id"])]


def of_task(airflow: RealAirflow, asked: Json) -> str:
    """What became of the task that asked."""

    def ended() -> str | None:
        found = state_of(airflow, asked)
        return found if found in {"success", "failed", "skipped"} else None

    return until(ended, f"the end of the task of {asked['subject']}", 120)


def told_of(models: Models, alias: str) -> list[Event]:
    """What the journal tells of an alias."""
    return [event for event in models.events("review_tree") if event.alias == alias]


@contextmanager
def robot(airflow: RealAirflow, option: str) -> Iterator[None]:
    """Answers whatever is asked as soon as it is asked."""
    is_done = threading.Event()
    answered: set[str] = set()

    def answering() -> None:
        while not is_done.is_set():
            for asked in airflow.rest.pending("review"):
                task = asked["task_instance"]
                assert isinstance(task, dict)
                if str(task["id"]) not in answered:
                    answered.add(str(task["id"]))
                    answer(airflow, asked, option, "said the robot")
            time.sleep(0.05)

    thread = threading.Thread(target=answering)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


def test_answers_that_come_at_once_carry_a_version_through_both_gates(reviewed: RealAirflow, models: Models) -> None:
    with robot(reviewed, "Approve"):
        trained(reviewed)
        until(lambda: models.alias("review_tree", "production"), "a version in production", 240)
    (staged,), (served,) = told_of(models, "staging"), told_of(models, "production")
    assert (staged.to_version, staged.by, staged.why) == (1, "admin", "said the robot")
    assert (served.to_version, served.by) == (1, "admin")
    (run,) = reviewed.rest.runs("review")
    reviewed.rest.wait_for_run("review", str(run["dag_run_id"]))
    assert reviewed.rest.tasks("review", str(run["dag_run_id"])) == {
        "approve_staging": "success",
        "approve_production": "success",
    }


def test_a_version_that_is_turned_down_moves_nothing_and_is_told_of(reviewed: RealAirflow, models: Models) -> None:
    trained(reviewed)
    asked = question(reviewed, 2, "staging")
    assert "| accuracy | 0.9 | 0.9 |" in str(asked["body"])
    answer(reviewed, asked, "Reject", "too few rows")
    assert of_task(reviewed, asked) == "skipped"
    last = told_of(models, "staging")[-1]
    assert (last.event, last.version, last.by, last.why) == ("rejected", 2, "admin", "too few rows")
    standing = models.alias("review_tree", "staging")
    assert standing is not None and standing.version == 1


def test_a_newer_version_takes_the_place_of_the_question_and_the_terminal_answers_it(
    reviewed: RealAirflow, models: Models
) -> None:
    trained(reviewed)
    older = question(reviewed, 3, "staging")
    trained(reviewed)
    newer = question(reviewed, 4, "staging")
    assert of_task(reviewed, older) == "skipped"
    words = [sys.executable, "-m", "api.cli.main", "promote", "review_tree", "--to", "staging", "--yes"]
    done = subprocess.run(words, env={**os.environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert of_task(reviewed, newer) == "success"
    standing = models.alias("review_tree", "staging")
    assert standing is not None and standing.version == 4
    shown = question(reviewed, 4, "production")
    assert "Of 10 rows that both predicted, 10 are the same." in str(shown["body"])
    answer(reviewed, shown, "Reject")
    assert of_task(reviewed, shown) == "skipped"


RULED = """
import pyarrow as pa

from assets import Approve, Materialize, OnUpdate, Trained, asset, job, model


@asset("gold.ruled_rows", engine="duckdb", automation="manual")
def ruled_rows():
    return pa.table({"id": list(range(10))})


@model(
    "models.ruled_tree", inputs={"rows": "gold.ruled_rows"}, gates={"staging": "rule"}, metric="rows", automation="manual"
)
def ruled_tree(rows: pa.Table) -> Trained:
    from sklearn.tree import DecisionTreeClassifier

    features = rows.select(["id"])
    fitted = DecisionTreeClassifier(max_depth=1).fit(features.to_pandas(), [0] * 5 + [1] * 5)
    return Trained(
        model=fitted, features=("id",), metrics={"rows": 10.0}, example=features.slice(0, 2), classes=("low", "high")
    )


training = job("ruled_training", steps=[Materialize("+models.ruled_tree", by="step")])
review = job("ruled_review", steps=[Approve("models.ruled_tree", "staging")], schedule=OnUpdate.any("models.ruled_tree"))
"""


@pytest.mark.long
def test_a_gate_that_the_rule_answers_asks_nobody_and_says_so(reviewed: RealAirflow, models: Models) -> None:
    reviewed.add("ruled", RULED)
    for dag in ("ruled_training", "ruled_review"):
        reviewed.rest.wait_for_dag(dag)
    reviewed.rest.trigger("ruled_training")
    (run,) = reviewed.rest.wait_for_runs("ruled_review")
    assert reviewed.rest.tasks("ruled_review", str(run["dag_run_id"])) == {"approve_staging": "success"}
    (moved,) = [event for event in models.events("ruled_tree") if event.alias == "staging"]
    assert (moved.to_version, moved.by) == (1, "rule")
    assert "v1 has rows 10" in moved.why


@pytest.mark.long
def test_a_question_outlives_everything_and_mlflow_answers_the_next(reviewed: RealAirflow, models: Models) -> None:
    trained(reviewed)
    version = models.versions("review_tree")[-1].version
    asked = question(reviewed, version, "staging")
    until(lambda: state_of(reviewed, asked) == "deferred" or None, "the question is left to the triggerer")
    for name in ("scheduler", "triggerer", "dag-processor", "api-server"):
        reviewed.kill(name)
    reviewed.heal()
    answer(reviewed, asked, "Approve", "after the storm")
    assert of_task(reviewed, asked) == "success"
    standing = models.alias("review_tree", "staging")
    assert standing is not None and standing.version == version
    later = question(reviewed, version, "production")
    program = (
        f"import mlflow; mlflow.MlflowClient().set_registered_model_alias('review_tree', 'production', '{version}')"
    )
    environment = {**os.environ, "MLFLOW_TRACKING_URI": models.settings.tracking_uri}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    assert of_task(reviewed, later) == "success"
    assert told_of(models, "production")[-1].by == "outside"
