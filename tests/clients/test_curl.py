"""curl asks, as a person at a terminal does."""

import json
import shutil
import subprocess

import pytest

from tests.api import served_models as models
from tests.api.running import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl"),
]

JSON = ("-H", "content-type: application/json")


def curl(server: Running, path: str, *words: str) -> str:
    address = f"{server.client.base_url}".rstrip("/")
    done = subprocess.run(
        ["curl", "--silent", "--show-error", *words, f"{address}{path}"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_every_way_to_ask_is_answered_by_the_same_version(server: Running) -> None:
    row = json.dumps(models.VIRGINICA)
    answer = curl(server, "/predict", "-i", *JSON, "-d", row)
    assert answer.startswith("HTTP/1.1 200 OK")
    assert "x-model-version: 1" in answer
    assert answer.endswith('{"prediction":2}')
    assert json.loads(curl(server, "/predict/batch", *JSON, "-d", f"[{row}]")) == {"predictions": [2]}
    assert json.loads(curl(server, "/invocations", *JSON, "-d", f'{{"dataframe_records": [{row}]}}')) == {
        "predictions": [2]
    }
    inputs = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in models.VIRGINICA.items()
    ]
    answered = json.loads(
        curl(server, "/v2/models/iris_xgboost_classifier/infer", *JSON, "-d", json.dumps({"inputs": inputs}))
    )
    assert (answered["model_version"], answered["outputs"][0]["data"]) == ("1", [2])


def test_a_form_is_sent_and_what_is_wrong_is_told(server: Running) -> None:
    typed = [word for name, value in models.SETOSA.items() for word in ("--data-urlencode", f"{name}={value}")]
    assert "<output>0</output>" in curl(server, "/", *typed)
    told = json.loads(curl(server, "/predict", *JSON, "-d", '{"sepal_length": "5"}'))
    assert {error["field"] for error in told["errors"]} == set(models.FIELDS)
