"""A real `mlflow server` for the length of a test, and its REST API by HTTP alone."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.settings import RegistrySettings
from registry.ui import ui_command


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """MLflow's REST API at an address."""

    address: str
    log: Path

    def get(self, path: str, **query: str) -> dict[str, object]:
        """What MLflow answers."""
        place = f"{self.address}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(place, timeout=30) as answer:
            body = json.load(answer)
        assert isinstance(body, dict)
        return body

    def model(self, name: str) -> dict[str, object]:
        """A registered model."""
        return _dict(self.get("registered-models/get", name=name)["registered_model"])

    def versions(self, name: str) -> dict[int, dict[str, object]]:
        """The versions of a registered model, by number."""
        told = self.get("model-versions/search", filter=f"name='{name}'").get("model_versions", [])
        assert isinstance(told, list)
        return {int(each["version"]): each for each in told}

    def run(self, run_id: object) -> dict[str, object]:
        """A run."""
        return _dict(self.get("runs/get", run_id=str(run_id))["run"])


def tags(body: object) -> dict[str, str]:
    """The tags of a run's data or of a model version."""
    return {each["key"]: each["value"] for each in _dict(body)["tags"]}  # type: ignore[attr-defined]


@contextmanager
def mlflow_server(home: Path) -> Iterator[Rest]:
    """A server over the SQLite store of a home folder, on a free port; it is started at once and waited for by `ready`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{home / 'mlflow.db'}"
    command = ui_command(RegistrySettings(lakeline_home=home, mlflow_tracking_uri=uri), port)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    log_file = home / "server.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command.arguments,
            cwd=home,
            env=environment | dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Rest(address=command.address, log=log_file)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def ready(rest: Rest) -> Rest:
    """The API once it answers."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            rest.get("experiments/search", max_results="1")
            return rest
        except OSError:
            time.sleep(0.2)
    raise AssertionError(rest.log.read_text()[-3000:])


def _dict(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
