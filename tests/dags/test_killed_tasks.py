"""A task that is killed with -9 and tried again by a real Airflow writes each row once, and tells of it."""

import time
from collections.abc import Callable

import psutil
import pytest

from lakehouse.lake import Lake
from tests.dags.rest import until
from tests.dags.running_airflow import RealAirflow

pytestmark = [pytest.mark.slow, pytest.mark.long]

LINE = """
import time

import pyarrow as pa

from assets import Materialize, asset, job


@asset("silver.killed_rows", engine="duckdb", write="append", automation="manual", retries=3)
def killed_rows():
    time.sleep(2)
    return pa.table({"id": [time.time_ns()]})


killed = job("killed_dag", steps=[Materialize("silver.killed_rows")])
"""
TABLE, DAG = "silver.killed_rows", "killed_dag"


@pytest.fixture(scope="module")
def killed(real_airflow: RealAirflow) -> RealAirflow:
    """An Airflow that knows a job of one slow table."""
    real_airflow.add("killed_line", LINE)
    real_airflow.rest.wait_for_dag(DAG)
    return real_airflow


@pytest.fixture
def lake(killed: RealAirflow, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Its lake, from this process."""
    monkeypatch.setenv("LAKELINE_HOME", str(killed.lake_home))
    return Lake.from_env()


def task_processes(airflow: RealAirflow) -> list[psutil.Process]:
    """The processes in which tasks work: the youngest of each of the scheduler's workers."""
    workers = airflow.process("scheduler").children()
    return [child for worker in workers for child in worker.children(recursive=True)]


@pytest.mark.parametrize("moment", ["begun", "computing", "committed"])
def test_each_row_is_there_once(killed: RealAirflow, lake: Lake, moment: str) -> None:
    rest, before = killed.rest, len(lake.history(TABLE))
    events = len(rest.events(TABLE))
    run = rest.trigger(DAG, {"force": True})
    until(lambda: rest.tasks(DAG, run).get(TABLE) == "running" or None, "the task")
    reached: dict[str, Callable[[], bool | None]] = {
        "begun": lambda: True,
        "computing": lambda: time.sleep(1.5) is None,
        "committed": lambda: len(lake.history(TABLE)) > before or None,
    }
    until(reached[moment], moment, 30)
    for process in task_processes(killed):
        process.kill()
    assert rest.wait_for_run(DAG, run, seconds=300) == "success", rest.tasks(DAG, run)
    assert len(lake.history(TABLE)) == before + 1
    assert lake.read_arrow(TABLE).num_rows == before + 1
    assert len(rest.events(TABLE)) > events
