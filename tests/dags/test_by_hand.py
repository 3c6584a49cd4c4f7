"""What people do by hand in any Airflow: materialize, clear, force, mark as done, backfill."""

import pytest

from tests.dags.rest import ENDED, Json, until
from tests.dags.running_airflow import RealAirflow

pytestmark = pytest.mark.slow

DEFINITIONS = '''
import pyarrow as pa

from assets import Cron, Materialize, asset, job


@asset("bronze.hand_orders", engine="duckdb", automation="manual")
def hand_orders():
    """One row per order."""
    return pa.table({"id": [1, 2, 3]})


made = job("hand_dag", steps=[Materialize("bronze.hand_orders")], schedule=Cron.at("0 6 1 1 *"))
'''
TASK = "bronze.hand_orders"


@pytest.fixture
def airflow(real_airflow: RealAirflow) -> RealAirflow:
    real_airflow.add("by_hand", DEFINITIONS)
    real_airflow.rest.wait_for_dag("hand_dag")
    return real_airflow


def test_what_people_do_by_hand_makes_a_version_where_one_is_wanted_and_else_none(airflow: RealAirflow) -> None:
    rest = airflow.rest

    def versions() -> list[object]:
        """Each version that an event told of; a task that is cleared tells of its own once more."""
        return sorted({event["extra"]["version"] for event in rest.events(TASK)})  # type: ignore[index]

    def was_tried_again() -> bool:
        task = rest.get(f"dags/hand_dag/dagRuns/{run}/taskInstances/{TASK}")
        return task["try_number"] == 2 and task["state"] == "success"

    told = airflow.command("assets", "materialize", "--name", TASK)
    assert told.returncode == 0, told.stderr
    (made,) = rest.wait_for_runs("hand_dag")
    run = str(made["dag_run_id"])
    assert (made["state"], versions()) == ("success", [0])

    rest.post("dags/hand_dag/clearTaskInstances", {"dry_run": False, "dag_run_id": run, "only_failed": False})
    until(lambda: was_tried_again() or None, "the cleared task has run again")
    assert rest.wait_for_run("hand_dag", run) == "success"
    assert versions() == [0]

    forced = rest.trigger("hand_dag", {"force": True, "why": "the till was wrong"})
    assert rest.wait_for_run("hand_dag", forced) == "success"
    assert "asked for: the till was wrong" in rest.log("hand_dag", forced, TASK)
    assert versions() == [0, 1]

    rest.patch(f"dags/hand_dag/dagRuns/{forced}/taskInstances/{TASK}", {"new_state": "failed"})
    rest.patch(f"dags/hand_dag/dagRuns/{forced}", {"state": "success"})
    assert rest.wait_for_run("hand_dag", forced) == "success"

    days = ("--from-date", "2024-01-01", "--to-date", "2025-06-01")
    told = airflow.command("backfill", "create", "--dag-id", "hand_dag", *days, "--reprocess-behavior", "none")
    assert told.returncode == 0, told.stderr

    def backfilled() -> list[Json] | None:
        found = [each for each in rest.runs("hand_dag") if each["run_type"] == "backfill"]
        return found if len(found) == 2 else None

    for each in until(backfilled, "a run for each of two years"):
        assert rest.wait_for_run("hand_dag", str(each["dag_run_id"]), ENDED) == "success"
    assert versions() == [0, 1]
