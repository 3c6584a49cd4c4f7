"""The whole line, run by Airflow alone: files land, tables and a model are made, people approve, the API answers."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sklearn.datasets import load_iris

from api.local.ports import free_port
from tests.api.terminal import LAKELINE, lakeline
from tests.dags.rest import Json, Rest, until

pytestmark = pytest.mark.slow

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What `lakeline up` has started in a folder."""

    folder: Path
    settings: dict[str, str]
    rest: Rest
    api: str


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    ports = [free_port() for _ in range(4)]
    names = ("LAKELINE_UP_AIRFLOW_PORT", "LAKELINE_UP_MLFLOW_PORT", "LAKELINE_UP_SPARK_PORT", "LAKELINE_SERVE_PORT")
    settings = {name: str(port) for name, port in zip(names, ports, strict=True)}
    settings |= {"LAKELINE_HOME": ".lakeline", "LAKELINE_WATCH_SECONDS": "2"}
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        up = subprocess.Popen(
            [LAKELINE, "up"],
            cwd=tmp_path,
            env={**os.environ, **settings},
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    try:
        until(lambda: "ready;" in (tmp_path / "out").read_text() or None, "the platform", 300)
        passwords = json.loads((tmp_path / ".lakeline" / "airflow" / "passwords.json").read_text())
        rest = Rest(f"http://127.0.0.1:{ports[0]}", "admin", passwords["admin"])
        yield Platform(folder=tmp_path, settings=settings, rest=rest, api=f"http://127.0.0.1:{ports[3]}")
        rest.close()
    finally:
        lakeline("down", folder=tmp_path, **settings)
        up.kill()
        up.wait()


def landed(platform: Platform, name: str) -> None:
    """Lands all flowers in one file."""
    flowers = load_iris()
    with (platform.folder / name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["measurement_id", *FLOWER, "species"])
        for number, (measures, species) in enumerate(zip(flowers.data, flowers.target, strict=True)):
            writer.writerow([f"m{number}", *measures, flowers.target_names[species]])
    said = lakeline("land", name, "--into", "landing.iris", folder=platform.folder, **platform.settings)
    assert said.code == 0, said.err


def approved(platform: Platform, alias: str) -> None:
    """Answers the question about the first version, as a person does in the browser."""

    def asked() -> Json | None:
        pending = platform.rest.pending("ml_promotion_dag")
        return next((each for each in pending if f"version 1 to {alias}" in str(each["subject"])), None)

    task = until(asked, f"a question about {alias}", 300)["task_instance"]
    assert isinstance(task, dict)
    run, name = str(task["dag_run_id"]), str(task["task_id"])
    assert platform.rest.answer("ml_promotion_dag", run, name, ["Approve"], {"why": "first"}).status_code == 200


def test_flowers_that_land_are_predicted_by_the_model_that_people_approved(platform: Platform) -> None:
    assert platform.rest.import_errors() == []
    landed(platform, "flowers.csv")
    approved(platform, "staging")
    approved(platform, "production")

    def answer() -> httpx.Response | None:
        told = httpx.post(f"{platform.api}/predict", json=FLOWER, timeout=30, trust_env=False)
        return told if told.status_code == 200 else None

    told = until(answer, "a prediction", 180)
    assert told.json() == {"prediction": 0}
    assert told.headers["x-model-version"] == "1"
    states = {dag: {run["state"] for run in platform.rest.runs(dag)} for dag in ("iris_data_dag", "ml_training_dag")}
    assert "failed" not in set().union(*states.values())
    again = [sys.executable, "-m", "api.cli.main", "plan", "--json"]
    done = subprocess.run(
        again, cwd=platform.folder, env={**os.environ, **platform.settings}, capture_output=True, text=True, check=True
    )
    assert {step["state"] for step in json.loads(done.stdout)} == {"FRESH"}
