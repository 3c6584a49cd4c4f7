import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from tests.api import served_models as models
from tests.api.running import PROJECT, running

pytestmark = pytest.mark.slow


def test_ready_only_when_a_production_model_is_loaded_and_alive_always(folder: Path, tmp_path: Path) -> None:
    with running(tmp_path / "home", folder) as server:
        server.wait(lambda told: told["reason"] == "no version is iris_xgboost_classifier@production")
        assert server.client.get("/readyz").status_code == 503
        assert server.client.get("/livez").status_code == 200
        refused = server.predict()
        assert refused.status_code == 503
        assert refused.json()["detail"].startswith("no model is loaded: no version is")
        server.name(1)
        told = server.wait(lambda told: told["ready"] is True)
        assert (told["model"], told["version"], told["run"]) == ("iris_xgboost_classifier", 1, "run1")
        assert str(told["since"]).endswith("Z")
        assert server.predict().content == b'{"prediction":0}'


def test_a_new_model_is_swapped_in_without_a_failed_request(folder: Path, tmp_path: Path) -> None:
    (folder / "production").write_text("1")
    with running(tmp_path / "home", folder) as server:
        server.wait(lambda told: told["ready"] is True)
        found: list[tuple[int, str]] = []
        ended = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=server.client.base_url) as client:
                while not ended.is_set():
                    answer = client.post("/predict", json=models.SETOSA)
                    found.append((answer.status_code, answer.headers.get("x-model-version", "")))

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        for version in (2, 1, 2):
            server.name(version)
            server.wait(lambda told, version=version: told["version"] == version)  # type: ignore[misc]
        ended.set()
        for asker in askers:
            asker.join()
        assert {status for status, _ in found} == {200}
        assert {version for _, version in found} == {"1", "2"}

        server.name(3)
        told = server.wait(lambda told: "refused" in told)
        assert told["version"] == 2
        assert server.predict().headers["x-model-version"] == "2"


def test_a_restart_without_a_registry_serves_the_last_good_model(folder: Path, tmp_path: Path) -> None:
    (folder / "production").write_text("2")
    with running(tmp_path / "home", folder) as server:
        server.wait(lambda told: told["ready"] is True)
    shutil.move(folder, tmp_path / "away")
    with running(tmp_path / "home", folder) as server:
        told = server.wait(lambda told: told["ready"] is True and "refused" in str(told["registry"]))
        assert told["version"] == 2
        assert server.predict().content == b'{"prediction":0}'


def test_a_stop_drains_first_and_the_process_never_loaded_what_is_heavy(folder: Path, tmp_path: Path) -> None:
    (folder / "production").write_text("1")
    with running(tmp_path / "home", folder) as server:
        server.wait(lambda told: told["ready"] is True)
        server.process.send_signal(signal.SIGTERM)
        told = server.wait(lambda told: told["ready"] is False)
        assert told["reason"] == "the server is stopping"
        assert server.client.get("/readyz").status_code == 503
        answer = server.predict()
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        out, _ = server.process.communicate(timeout=20)
        assert server.process.returncode == 0
        assert json.loads(out.strip().splitlines()[-1]) == {"loaded": [], "threads": "1"}


def test_a_taken_port_is_named_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    command = [sys.executable, "-m", "tests.api.run_server", str(tmp_path), port, str(folder), "1", "0"]
    with taken:
        found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 1
    assert f"another program listens on port {port}" in found.stderr
    assert "LAKELINE_SERVE_PORT" in found.stderr


def test_the_application_is_imported_without_mlflow() -> None:
    code = "import sys, api.server; sys.exit(int(any(name.split('.')[0] == 'mlflow' for name in sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
