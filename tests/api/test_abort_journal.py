"""The whole of `lakeline serve` over a real registry and a real lake: the journal tells why a canary ended."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import xgboost

from registry.models import Models
from registry.settings import RegistrySettings
from tests.api import served_models
from tests.api.running import PROJECT
from tests.registry.kept import NAME, lake_in, save

pytestmark = [pytest.mark.slow, pytest.mark.long]


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--canary", "50%", "--shadow"]
    process = subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip().removeprefix("serving at ")
    try:
        with httpx.Client(base_url=address, timeout=60) as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def until_canary(client: httpx.Client, version: int) -> None:
    deadline = time.monotonic() + 120
    told: object = None
    while time.monotonic() < deadline:
        try:
            told = client.get("/readyz").json()
            if told["canary"]["version"] == version:
                return
        except (httpx.TransportError, KeyError):
            pass
        time.sleep(0.1)
    raise AssertionError(told)


def break_model(folder: Path) -> None:
    """Puts a model that fails in the place of one that was fetched, as if it had been trained so."""
    card = json.loads((folder / "served.json").read_text())
    file = folder / card["model_file"]
    served_models.failing(xgboost.Booster(model_file=str(file))).save_model(file)
    card["files"] = {card["model_file"]: hashlib.sha256(file.read_bytes()).hexdigest()}
    (folder / "served.json").write_text(json.dumps(card | {"golden": None}))


def test_why_a_canary_ended_is_journaled_while_mlflow_is_away(tmp_path: Path) -> None:
    home, uri = tmp_path / "home", f"sqlite:///{tmp_path / 'mlflow.db'}"
    models = Models(RegistrySettings(lakeline_home=home, mlflow_tracking_uri=uri), lake_in(tmp_path / "lake"))
    for sequence, alias in enumerate(("production", "staging"), start=1):
        version = save(models, sequence=sequence)
        models.promote(NAME, version, alias, by="ann", why="reviewed")
    environment = {
        "LAKELINE_HOME": str(home),
        "LAKE_ROOT": str(tmp_path / "lake"),
        "MLFLOW_TRACKING_URI": uri,
        "LAKELINE_LOG_PREDICTIONS": "false",
    }
    with serving(environment) as client:
        until_canary(client, 2)
    break_model(home / "serving" / NAME / "2")
    with serving(environment | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}) as client:
        until_canary(client, 2)
        answers = [client.post("/predict", json=served_models.VIRGINICA) for _ in range(50)]
        assert {(answer.status_code, answer.headers["x-model-version"]) for answer in answers} == {(200, "1")}
        deadline = time.monotonic() + 60
        while (last := models.events(NAME)[-1]).event != "ended" and time.monotonic() < deadline:
            time.sleep(0.2)
        readiness = client.get("/readyz").json()
    assert (last.event, last.version, last.by) == ("ended", 2, "lakeline serve")
    assert last.why.startswith("as the canary of staging: ")
    assert "requests failed, and production answered them" in last.why
    assert readiness["canary"]["share"] == 0
    assert readiness["registry"] != "answers"
    aliases = {alias: version.version for alias, version in models.aliases(NAME).items()}
    assert aliases["staging"] == 2  # nothing was moved
