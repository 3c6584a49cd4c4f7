"""Real MLflow: on SQLite for each test, copied from one that was made once, and one slim server for all."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.lake import Lake
from registry.door import opened
from registry.models import Models
from registry.settings import RegistrySettings
from registry.ui import ui_command
from tests.registry.kept import lake_in


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh database of MLflow's; its tables take seconds to make."""
    home = tmp_path_factory.mktemp("empty")
    settings = RegistrySettings(lakeline_home=home, mlflow_tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    opened(settings)
    return home / "mlflow.db"


@pytest.fixture
def settings(tmp_path: Path, empty_store: Path) -> RegistrySettings:
    """A store of the test's own, on SQLite."""
    home = tmp_path / ".lakeline"
    home.mkdir(exist_ok=True)
    shutil.copy(empty_store, home / "mlflow.db")
    return RegistrySettings(lakeline_home=home, mlflow_tracking_uri=f"sqlite:///{home / 'mlflow.db'}")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake of the test's own."""
    return lake_in(tmp_path / "lake")


@pytest.fixture
def models(settings: RegistrySettings, lake: Lake) -> Models:
    """The models of the test's own store."""
    return Models(settings, lake)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[str]:
    """The address of MLflow's pages and API over a store of its own; models of different tests need different names."""
    home = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store, home / "mlflow.db")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = RegistrySettings(lakeline_home=home, mlflow_tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    command = ui_command(settings, port)
    environment = {**os.environ, **command.environment}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command.arguments,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    address = command.address
    try:
        _wait(address, process, home / "server.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api/2.0/mlflow/experiments/search?max_results=1", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


@pytest.fixture
def server_settings(server: str, tmp_path: Path) -> RegistrySettings:
    """Settings that name the server."""
    return RegistrySettings(lakeline_home=tmp_path / ".lakeline", mlflow_tracking_uri=server)
