"""Clients of the Open Inference Protocol, as NVIDIA and KServe ship them, ask our server."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.api import served_models as models
from tests.api.running import Running
from tests.clients import environment

pytestmark = [pytest.mark.slow, pytest.mark.long]

MODEL = "iris_xgboost_classifier"


def asked(program: str, address: str) -> dict[str, object]:
    script = Path(__file__).parent / program
    done = subprocess.run(
        [environment.python(), script, address, MODEL], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_tritons_client_is_answered_as_json_and_as_bytes(server: Running) -> None:
    found = asked("ask_by_triton.py", f"{server.client.base_url.host}:{server.client.base_url.port}")
    assert [found[name] for name in ("live", "ready", "model_ready", "version_ready")] == [True] * 4
    assert found["server"] == ["binary_tensor_data"]
    assert found["takes"] == dict.fromkeys(models.FIELDS, "FP64")
    answer = {"predictions": [0, 2], "shape": [2, 3], "version": "1", "id": "flowers"}
    assert (found["as_json"], found["as_bytes"]) == (answer, answer)
    assert "sepal_width: is required" in str(found["refused"])


def test_kserves_client_is_answered_as_json_and_as_bytes(server: Running) -> None:
    found = asked("ask_by_kserve.py", f"{server.client.base_url}".rstrip("/"))
    assert [found[name] for name in ("live", "ready", "model_ready")] == [True] * 3
    answer = {"predictions": [0, 2], "version": "1", "id": "flowers"}
    assert (found["as_json"], found["as_bytes"]) == (answer, answer)
