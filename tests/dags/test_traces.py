"""Events that are lost, doubled, late or swept together cost time in a real Airflow, and never data."""

import time

import pytest

from assets.catalog import load
from assets.materialize import Materializer
from lakehouse.lake import Lake
from registry.models import Models
from tests.dags.rest import Json, until
from tests.dags.running_airflow import RealAirflow

pytestmark = pytest.mark.slow

LINE = """
import time

import pyarrow as pa

from assets import Materialize, OnUpdate, asset, job


@asset("silver.trace_left", engine="duckdb", automation="manual")
def trace_left():
    return pa.table({"id": [time.time_ns()]})


@asset("silver.trace_right", engine="duckdb", automation="manual")
def trace_right():
    return pa.table({"id": [time.time_ns()]})


@asset("gold.trace_both", inputs={"left": "silver.trace_left", "right": "silver.trace_right"}, engine="duckdb")
def trace_both(left, right):
    return left.union(right)


@asset("gold.trace_self", engine="duckdb", automation="manual")
def trace_self():
    return pa.table({"id": [time.time_ns()]})


left = job("trace_left_dag", steps=[Materialize("silver.trace_left")])
right = job("trace_right_dag", steps=[Materialize("silver.trace_right")])
both = job(
    "trace_both_dag",
    steps=[Materialize("gold.trace_both")],
    schedule=OnUpdate.any("silver.trace_left", "silver.trace_right"),
)
circle = job("trace_self_dag", steps=[Materialize("gold.trace_self")], schedule=OnUpdate.any("gold.trace_self"))
"""

DAGS = ("trace_left_dag", "trace_right_dag", "trace_both_dag", "trace_self_dag")
LEFT, RIGHT, BOTH = "silver.trace_left", "silver.trace_right", "gold.trace_both"


@pytest.fixture(scope="module")
def traced(real_airflow: RealAirflow) -> RealAirflow:
    """An Airflow that knows two tables, each with a job, and a third that reads both."""
    real_airflow.add("traced", LINE)
    real_airflow.reconcile("traced")
    for dag in (*DAGS, "lakeline_reconciler"):
        real_airflow.rest.wait_for_dag(dag)
    return real_airflow


@pytest.fixture
def lake(traced: RealAirflow, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Its lake, from this process."""
    monkeypatch.setenv("LAKELINE_HOME", str(traced.lake_home))
    return Lake.from_env()


def made(airflow: RealAirflow, *dags: str) -> None:
    """One more version by each job, begun together."""
    runs = [(dag, airflow.rest.trigger(dag, {"force": True})) for dag in dags]
    for dag, run in runs:
        assert airflow.rest.wait_for_run(dag, run) == "success", airflow.rest.tasks(dag, run)


def settled(airflow: RealAirflow) -> None:
    """Returns once nothing is queued or at work, and nothing new begins for some ticks of the scheduler."""
    quiet_since: list[float] = []

    def quiet() -> bool | None:
        at_work = [run for dag in DAGS for run in airflow.rest.runs(dag) if run["state"] in {"queued", "running"}]
        if at_work:
            quiet_since.clear()
            return None
        quiet_since.append(time.monotonic())
        return quiet_since[-1] - quiet_since[0] > 4 or None

    until(quiet, "an end of all runs", 180)


def read(lake: Lake) -> dict[str, int]:
    """What the newest version of the reader was made from."""
    stamp = lake.history(BOTH)[-1].stamp
    assert stamp is not None
    return {key: each.version for key, each in stamp.inputs.items()}


def newest(lake: Lake) -> dict[str, int]:
    """What it should be made from."""
    return {key: lake.history(key)[-1].effective for key in (LEFT, RIGHT)}


def of_both(airflow: RealAirflow) -> list[Json]:
    """The runs of the reader's job."""
    return airflow.rest.runs("trace_both_dag")


def test_commits_of_two_inputs_in_a_burst_end_in_the_newest_of_both(traced: RealAirflow, lake: Lake) -> None:
    made(traced, "trace_left_dag", "trace_right_dag", "trace_left_dag", "trace_right_dag", "trace_left_dag")
    settled(traced)
    assert read(lake) == newest(lake) == {LEFT: 2, RIGHT: 1}
    stamps = [commit.stamp for commit in lake.history(BOTH)]
    causes = [tuple(sorted((k, v.version) for k, v in stamp.inputs.items())) for stamp in stamps if stamp]
    assert len(causes) == len(set(causes)) <= 5


def reconciled(airflow: RealAirflow) -> None:
    """One run of the reconciler, and the end of what it started."""
    run = airflow.rest.trigger("lakeline_reconciler")
    airflow.rest.wait_for_run("lakeline_reconciler", run)
    settled(airflow)


def test_what_came_while_it_was_paused_is_one_run_of_the_reconciler(traced: RealAirflow, lake: Lake) -> None:
    before = len(of_both(traced))
    traced.rest.pause("trace_both_dag")
    for _ in range(3):
        made(traced, "trace_left_dag")
    traced.rest.pause("trace_both_dag", is_paused=False)
    assert read(lake) != newest(lake)  # Airflow keeps no events for a DAG that is paused
    reconciled(traced)
    assert read(lake) == newest(lake)
    assert len(of_both(traced)) == before + 1


def test_events_that_are_doubled_or_old_make_nothing(traced: RealAirflow, lake: Lake) -> None:
    versions, before = len(lake.history(BOTH)), len(of_both(traced))
    for version in (0, 0, 1):
        traced.rest.send_event(LEFT, {"version": version})
    until(lambda: len(of_both(traced)) > before, "a run for the events")
    settled(traced)
    assert len(lake.history(BOTH)) == versions
    last = of_both(traced)[-1]
    assert traced.rest.tasks("trace_both_dag", str(last["dag_run_id"])) == {BOTH: "skipped"}


def test_a_commit_that_no_event_told_of_is_found_by_the_reconciler_once(
    traced: RealAirflow, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(traced.airflow.dags)
    graph = load(["traced"])
    Materializer(lake, Models.from_env(lake), graph).run(LEFT, force=True)
    assert read(lake) != newest(lake)
    started = {f"{run['dag_run_id']}" for run in of_both(traced)}
    for _ in range(2):
        reconciled(traced)
    assert read(lake) == newest(lake)
    woken = [str(r["dag_run_id"]) for r in of_both(traced) if r["dag_run_id"] not in started]
    assert [name.startswith("lakeline__") for name in woken] == [True]


def test_a_job_that_is_started_by_what_it_makes_settles(traced: RealAirflow, lake: Lake) -> None:
    made(traced, "trace_self_dag")
    until(lambda: len(traced.rest.runs("trace_self_dag")) == 2 or None, "a run for its own event")
    settled(traced)
    assert len(traced.rest.runs("trace_self_dag")) == 2
    assert len(lake.history("gold.trace_self")) == 1


@pytest.mark.long
def test_a_scheduler_that_is_killed_after_the_commit_loses_no_event(traced: RealAirflow, lake: Lake) -> None:
    made(traced, "trace_left_dag", "trace_right_dag")
    settled(traced)
    versions = len(lake.history(LEFT))
    run = traced.rest.trigger("trace_left_dag", {"force": True})
    until(lambda: len(lake.history(LEFT)) > versions or None, "the commit")
    traced.kill("scheduler")
    traced.heal()
    assert traced.rest.wait_for_run("trace_left_dag", run, seconds=400) == "success"
    until(lambda: read(lake) == newest(lake) or None, "the reader", 240)
    assert len(lake.history(LEFT)) == versions + 1
