"""A real server follows a real MLflow: how soon a move is served, MLflow away, and MLflow's own webhooks."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet

from api.local.ports import free_port
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from registry.door import opened
from registry.models import Models
from registry.settings import RegistrySettings
from registry.ui import ui_command
from tests.api import served_models
from tests.api.terminal import LAKELINE
from tests.registry.kept import NAME, save

pytestmark = [pytest.mark.slow, pytest.mark.long]

_IN_A_ROW = 12  # that one of two workers takes all of them is a chance of one in two thousand
SECRET = "a-secret-of-both-of-them"
# By default MLflow sends no webhook to an address that is not public, nor without TLS.
OF_WEBHOOKS = {
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    "MLFLOW_WEBHOOK_CACHE_TTL": "1",
}


class Mlflow:
    """MLflow's server, which can be ended and started again at one address."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self._home = home
        store = RegistrySettings(lakeline_home=home, mlflow_tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
        self._command = ui_command(store, free_port())
        self.address = self._command.address
        settings = RegistrySettings(lakeline_home=home, mlflow_tracking_uri=self.address)
        self.models = Models(settings, Lake(LakeSettings(lake_root=str(home / "lake"))))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        return {"MLFLOW_TRACKING_URI": self.address, "LAKE_ROOT": str(self._home / "lake")}

    def start(self) -> None:
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command.arguments,
                env={**os.environ, **self._command.environment, **OF_WEBHOOKS},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait(lambda: httpx.get(f"{self.address}/health", timeout=5).status_code == 200, 240)

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    def move(self, version: int, alias: str = "production") -> None:
        """Moves an alias as MLflow's own pages do."""
        opened(self.models.settings).set_registered_model_alias(NAME, alias, str(version))


def wait(is_so: object, seconds: float) -> float:
    """The seconds until this is so."""
    assert callable(is_so)
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        try:
            if is_so():
                return time.monotonic() - began
        except httpx.TransportError:
            pass
        time.sleep(0.01)
    raise AssertionError(f"not so after {seconds} seconds")


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlflow]:
    found = Mlflow(tmp_path_factory.mktemp("real") / "mlflow")
    with ExitStack() as stack:
        stack.callback(found.stop)
        found.start()
        for place in (1, 2, 3):
            save(found.models, version=place, sequence=place)
        found.move(1)
        yield found


@contextmanager
def serving(mlflow: Mlflow, home: Path, **settings: str) -> Iterator[httpx.Client]:
    """`lakeline serve` with two workers, ended in order."""
    port = free_port()
    environment = {**os.environ, **mlflow.environment, "LAKELINE_HOME": str(home), "LAKELINE_LOG_PREDICTIONS": "off"}
    words = ("serve", "--port", str(port), "--workers", "2", "--model", NAME)
    with (home.parent / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, LAKELINE, *words],
            cwd=home.parent,
            env=environment | settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait(lambda: client.get("/readyz").status_code == 200, 120)
            yield client
    finally:
        process.terminate()
        process.wait(60)


def version_of(client: httpx.Client) -> int:
    """The version that answers the next request, on a connection of its own: any of the workers may take it."""
    answer = client.post("/predict", json=served_models.SETOSA, headers={"connection": "close"})
    assert answer.status_code == 200, answer.text
    return int(answer.headers["x-model-version"])


def served_after(client: httpx.Client, version: int) -> float:
    """The seconds until no worker answers with another version any more."""
    found = wait(lambda: all(version_of(client) == version for _ in range(_IN_A_ROW)), 60)
    assert {version_of(client) for _ in range(2 * _IN_A_ROW)} == {version}
    return found


def test_a_move_is_served_within_seconds_and_mlflow_may_be_away(mlflow: Mlflow, tmp_path: Path) -> None:
    home = tmp_path / ".lakeline"
    with serving(mlflow, home) as client:
        assert version_of(client) == 1
        mlflow.move(2)
        fetched = served_after(client, 2)
        mlflow.move(3, "staging")
        wait((home / "serving" / NAME / "3" / "served.json").exists, 60)
        known = []
        for version in (3, 1, 3, 1):
            mlflow.move(version)
            known.append(served_after(client, version))
        told = ", ".join(f"{each:.2f}" for each in known)
        print(f"\nfrom a move until all workers answer: {fetched:.2f} s with the fetch, {told} s where it is here")
        assert max(known) <= 5
        mlflow.stop()
        wait(lambda: "does not answer" in client.get("/readyz").json()["registry"], 20)
        assert client.get("/readyz").status_code == 200
        assert version_of(client) == 1
    with serving(mlflow, home) as client:
        assert version_of(client) == 1
        assert "does not answer" in client.get("/").text
        time.sleep(10)  # as long as it takes to wait the longest between two questions
        mlflow.start()
        mlflow.move(2)
        found = served_after(client, 2)
        print(f"from a move right after MLflow came back to the first answer: {found:.2f} s")
        assert found <= 5
        assert wait(lambda: client.get("/readyz").json()["registry"] == "answers", 5) < 5


def test_mlflows_own_webhook_has_the_registry_asked_at_once(mlflow: Mlflow, tmp_path: Path) -> None:
    mlflow.move(1)
    mlflow.move(2, "staging")
    home = tmp_path / ".lakeline"
    settings = {"LAKELINE_SERVE_POLL_SECONDS": "600", "LAKELINE_SERVE_WEBHOOK_SECRET": SECRET}
    with serving(mlflow, home, **settings) as client:
        wait((home / "serving" / NAME / "2" / "served.json").exists, 60)
        registry = opened(mlflow.models.settings)
        registry.create_webhook(
            "lakeline",
            f"{client.base_url}".rstrip("/") + "/webhooks/mlflow",
            events=["model_version_alias.created"],
            secret=SECRET,
        )
        time.sleep(1.5)  # MLflow keeps a list of its webhooks for a second
        assert version_of(client) == 1
        mlflow.move(2)
        found = served_after(client, 2)
        print(f"\nfrom a move to the first answer, by a webhook and a poll of ten minutes: {found:.2f} s")
        assert found <= 5
