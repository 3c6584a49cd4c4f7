"""What others write wakes its job in a real Airflow, also where the triggerer was killed meanwhile."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.lake import Lake
from lakehouse.landing import land
from lakehouse.settings import LakeSettings
from tests.dags.rest import until
from tests.dags.running_airflow import RealAirflow

pytestmark = pytest.mark.slow

LINE = '''
from assets import Materialize, OnUpdate, asset, external, job

flowers = external("landing.watched_flowers", files="watched/*.csv", columns=("id",))
measures = external("others.watched_measures", table="foreign/watched_measures")


@asset("bronze.flowers_seen", inputs={"arrivals": "landing.watched_flowers"}, write="append", engine="duckdb")
def flowers_seen(arrivals):
    """One row per line of a file."""
    return arrivals


@asset("bronze.measures_seen", inputs={"measures": "others.watched_measures"}, engine="duckdb")
def measures_seen(measures):
    """All that others measured."""
    return measures


on_flowers = job(
    "watched_flowers_dag", steps=[Materialize("bronze.flowers_seen")], schedule=OnUpdate.any("landing.watched_flowers")
)
on_measures = job(
    "watched_measures_dag", steps=[Materialize("bronze.measures_seen")], schedule=OnUpdate.any("others.watched_measures")
)
'''
DAGS = """
import os

os.environ |= {"LAKELINE_DEFINITIONS": "watched_line", "LAKELINE_WATCH_SECONDS": "2"}

from airflow.sdk import get_parsing_context

from dags.bridge.parse import dags

made = dags(only=get_parsing_context().dag_id)
globals().update({name: dag for name, dag in made.items() if name != "lakeline_reconciler"})
"""


@pytest.fixture
def lake(real_airflow: RealAirflow) -> Lake:
    """The lake of an Airflow in which both jobs are watched for."""
    real_airflow.add_file("watched_line", LINE)
    real_airflow.add_file("watched_line_dags", DAGS)
    for key in ("landing.watched_flowers", "others.watched_measures"):
        until(lambda key=key: (real_airflow.rest.asset(key) or {}).get("watchers"), f"a watcher of {key}")
    return Lake(LakeSettings(lakeline_home=real_airflow.lake_home))


def send(lake: Lake, folder: Path, *numbers: int) -> None:
    for number in numbers:
        source = folder / f"{number}.csv"
        source.write_text(f"id\n{number}\n")
        land(source, lake.settings.landing / "watched")


def measure(lake: Lake, *numbers: int) -> None:
    for number in numbers:
        lake.append("foreign.watched_measures", pa.table({"id": [number]}), metadata="")


def ids(lake: Lake, key: str) -> list[str]:
    """What has been taken in, each row as often as it is there."""
    return sorted(map(str, lake.read_arrow(key)["id"].to_pylist())) if lake.history(key) else []


def payloads(real_airflow: RealAirflow, key: str) -> list[Mapping[str, object]]:
    return [event["extra"]["payload"] for event in real_airflow.rest.events(key)]  # type: ignore[index]


def test_files_that_land_are_taken_in_once(real_airflow: RealAirflow, lake: Lake, tmp_path: Path) -> None:
    before = len(payloads(real_airflow, "landing.watched_flowers"))
    send(lake, tmp_path, 101)
    until(lambda: "101" in ids(lake, "bronze.flowers_seen"), "the first file is taken in")
    send(lake, tmp_path, 102, 103, 104)
    until(lambda: "104" in ids(lake, "bronze.flowers_seen"), "the burst is taken in")
    until(lambda: len(runs(real_airflow, "watched_flowers_dag")) >= 2, "all runs have ended")
    assert [each for each in ids(lake, "bronze.flowers_seen") if each < "200"] == ["101", "102", "103", "104"]
    assert 2 <= len(payloads(real_airflow, "landing.watched_flowers")) - before <= 4


def test_what_came_while_the_triggerer_was_dead_is_found(real_airflow: RealAirflow, lake: Lake, tmp_path: Path) -> None:
    measure(lake, 0)
    until(lambda: payloads(real_airflow, "others.watched_measures"), "the first version is told of")
    told = len(payloads(real_airflow, "others.watched_measures"))
    real_airflow.kill("triggerer")
    send(lake, tmp_path, 201)
    measure(lake, 1, 2, 3)
    real_airflow.heal()
    until(lambda: "201" in ids(lake, "bronze.flowers_seen"), "the file is taken in")
    until(lambda: ids(lake, "bronze.measures_seen") == ["0", "1", "2", "3"], "all versions are taken in")
    (news,) = payloads(real_airflow, "others.watched_measures")[told:]
    assert news["to"] == 3
    assert news["from"] in {0, 1}  # the event of version 0 was there, its place perhaps not yet kept
    assert ids(lake, "bronze.flowers_seen").count("201") == 1


def runs(real_airflow: RealAirflow, dag: str) -> list[str]:
    """The runs of a DAG, once none of them is at work any more."""
    states = [str(each["state"]) for each in real_airflow.rest.runs(dag)]
    return states if set(states) <= {"success", "failed"} else []
