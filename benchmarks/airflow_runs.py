"""How soon a commit starts what reads it in a real Airflow, and what a task costs over the same run in a terminal."""

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.claim import Claim
from benchmarks.timing import median, once
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from tests.dags.rest import until
from tests.dags.running_airflow import RealAirflow, real_airflow_on

_EVENT_SECONDS, _PERIOD_SECONDS, _TASK_SECONDS = 2.0, 300.0, 6.0
_TIMES = 7

LINE = """
import pyarrow as pa

from assets import Materialize, OnUpdate, asset, job


@asset("gold.timed_given", engine="duckdb", automation="manual")
def timed_given():
    return pa.table({"id": [1]})


@asset("gold.timed_reader", inputs={"rows": "gold.timed_given"}, engine="duckdb")
def timed_reader(rows):
    return rows


@asset("silver.timed_spark", inputs={"rows": "gold.timed_given"}, automation="manual")
def timed_spark(rows):
    return rows


given = job("timed_given_dag", steps=[Materialize("gold.timed_given", by="step")])
reader = job("timed_reader_dag", steps=[Materialize("gold.timed_reader", by="step")], schedule=OnUpdate.any("gold.timed_given"))
on_spark = job("timed_spark_dag", steps=[Materialize("silver.timed_spark", by="step")])
"""


def claims(folder: Path) -> Iterator[Claim]:
    """Measures on SQLite, with the executor and the settings of `lakeline up`."""
    with real_airflow_on(folder) as airflow:
        airflow.reconcile(airflow.add("timed", LINE))
        for dag in ("timed_given_dag", "timed_reader_dag", "timed_spark_dag", "lakeline_reconciler"):
            airflow.rest.wait_for_dag(dag)
        lake = Lake(LakeSettings(lakeline_home=airflow.lake_home))
        waits = [_after_an_event(airflow, lake) for _ in range(_TIMES)]
        parts = {"slowest": max(waits)}
        yield Claim(
            name="airflow-commit-to-run",
            measured=statistics.median(waits),
            target=_EVENT_SECONDS,
            unit="s",
            parts=parts,
        )
        task, terminal = _on_spark(airflow)
        parts = {"task": task, "terminal": terminal}
        yield Claim(name="airflow-task-overhead", measured=task - terminal, target=_TASK_SECONDS, unit="s", parts=parts)
        wait = _without_an_event(airflow, lake)
        yield Claim(name="airflow-commit-to-run-without-event", measured=wait, target=_PERIOD_SECONDS, unit="s")


def _after_an_event(airflow: RealAirflow, lake: Lake) -> float:
    before = len(airflow.rest.runs("timed_reader_dag"))
    run = airflow.rest.trigger("timed_given_dag", {"force": True})
    airflow.rest.wait_for_run("timed_given_dag", run)
    return _begun(airflow, before, 60) - lake.history("gold.timed_given")[-1].at.timestamp()


def _without_an_event(airflow: RealAirflow, lake: Lake) -> float:
    before = len(airflow.rest.runs("timed_reader_dag"))
    once(("run", "gold.timed_given", "--force"), airflow.airflow.dags, _settings(airflow))
    return _begun(airflow, before, 2 * _PERIOD_SECONDS) - lake.history("gold.timed_given")[-1].at.timestamp()


def _on_spark(airflow: RealAirflow) -> tuple[float, float]:
    """Seconds of a task, and of the same run in a terminal, on a Spark server that runs already."""
    words = ("run", "silver.timed_spark", "--force")
    terminal = median(words, airflow.airflow.dags, _settings(airflow), times=_TIMES)
    times = []
    for _ in range(_TIMES):
        run = airflow.rest.trigger("timed_spark_dag", {"force": True})
        airflow.rest.wait_for_run("timed_spark_dag", run)
        told = airflow.rest.get(f"dags/timed_spark_dag/dagRuns/{run}")
        began, ended = (datetime.fromisoformat(str(told[name])) for name in ("start_date", "end_date"))
        times.append((ended - began).total_seconds())
    return statistics.median(times), terminal


def _settings(airflow: RealAirflow) -> dict[str, str]:
    return {"LAKELINE_HOME": str(airflow.lake_home), "LAKELINE_DEFINITIONS": "timed"}


def _begun(airflow: RealAirflow, before: int, seconds: float) -> float:
    """When the reader's next run began, in seconds since 1970; returns once it has ended."""

    def look() -> str | None:
        runs = airflow.rest.runs("timed_reader_dag")
        return str(runs[before]["start_date"]) if len(runs) > before and runs[before]["start_date"] else None

    began = datetime.fromisoformat(until(look, "a run of the reader", seconds)).astimezone(UTC)
    run = str(airflow.rest.runs("timed_reader_dag")[before]["dag_run_id"])
    airflow.rest.wait_for_run("timed_reader_dag", run)
    return began.timestamp()
