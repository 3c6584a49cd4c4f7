import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api import served_models as models
from tests.api.running import Running, running


@pytest.fixture(scope="module")
def server(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with version 1, for the tests that change nothing."""
    base = tmp_path_factory.mktemp("server")
    own = Path(shutil.copytree(store, base / "models"))
    (own / "production").write_text("1")
    with running(base / "home", own) as found:
        found.wait(lambda told: told["ready"] is True)
        yield found


def test_the_answer_is_exactly_the_contract_and_its_headers_name_the_versions(server: Running) -> None:
    answer = server.predict()
    assert answer.content == b'{"prediction":0}'
    assert {name: answer.headers[name] for name in answer.headers if name.startswith("x-model")} == {
        "x-model-name": "iris_xgboost_classifier",
        "x-model-version": "1",
        "x-model-run": "run1",
        "x-model-inputs": "gold.iris_features@3",
    }
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"petal_width": "0.2"}, "petal_width", "wanted a number"),
        ({"petal_width": True}, "petal_width", "wanted a number"),
        ({"petal_width": None}, "petal_width", "wanted a number"),
        ({"colour": 1.0}, "colour", "is not a field of this model"),
        ({"petal_ratio": 7.0}, "petal_ratio", "is not a field of this model"),
        ({"petal_width": 0.0}, "petal_width", "petal_ratio = petal_length / petal_width is not a finite number"),
        ({"petal_width": 1e300}, "petal_width", "is too large"),
    ],
)
def test_a_wrong_field_is_answered_with_its_name(
    server: Running, changes: dict[str, object], field: str, reason: str
) -> None:
    answer = server.predict(models.SETOSA | changes)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    found = {fault["field"]: fault["reason"] for fault in answer.json()["errors"]}
    assert reason in found[field]
    assert set(answer.json()["errors"][0]) == {"field", "reason", "kind"}


def test_a_missing_field_is_answered_with_its_name(server: Running) -> None:
    answer = server.predict({"sepal_length": 1, "sepal_width": 1, "petal_length": 1})
    assert answer.json()["errors"] == [{"field": "petal_width", "reason": "is required", "kind": "missing"}]


def test_nan_is_answered_with_the_name_of_its_field(server: Running) -> None:
    body = json.dumps(models.SETOSA | {"sepal_width": float("nan")})
    answer = server.client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "sepal_width", "reason": "wanted a finite number", "kind": "finite_number"}
    ]


@pytest.mark.parametrize(
    ("content", "kind", "status", "reason"),
    [
        (b"{", "application/json", 400, "not valid JSON"),
        (b"", "application/json", 400, "not valid JSON"),
        (b"[" * 50_000, "application/json", 400, "not valid JSON"),
        (b"sepal_length=1", "application/x-www-form-urlencoded", 415, "send JSON with"),
        (b"{}", "", 415, "no content-type"),
        (b"{}" + b" " * 70_000, "application/json", 413, "larger than 65536 bytes"),
    ],
)
def test_a_body_that_is_no_row_is_answered_clearly(
    server: Running, content: bytes, kind: str, status: int, reason: str
) -> None:
    answer = server.client.post("/predict", content=content, headers={"content-type": kind} if kind else {})
    assert answer.status_code == status
    assert reason in answer.json()["detail"]


def test_a_stream_without_length_is_limited_too(server: Running) -> None:
    answer = server.client.post(
        "/predict", content=(b" " * 10_000 for _ in range(10)), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


def test_json_by_another_name_is_json(server: Running) -> None:
    for kind in ("application/json; charset=utf-8", "application/vnd.team+json"):
        answer = server.client.post("/predict", content=json.dumps(models.SETOSA), headers={"content-type": kind})
        assert answer.content == b'{"prediction":0}'


def test_what_is_not_there_is_answered_in_json(server: Running) -> None:
    assert server.client.get("/nowhere").status_code == 404
    assert server.client.get("/predict").status_code == 405
    assert server.client.get("/predict").json() == {
        "type": "about:blank",
        "title": "Method Not Allowed",
        "status": 405,
        "detail": "Method Not Allowed",
    }


def test_the_documentation_shows_the_fields_of_the_model_without_another_host(server: Running) -> None:
    page = server.client.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    document = server.client.get("/openapi.json").json()
    schema = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert list(schema["properties"]) == schema["required"] == list(models.FIELDS)
    for field in models.FIELDS:
        assert f"name='{field}'" in page.text


def test_metrics_count_by_method_path_and_status_and_no_stranger_makes_a_series(server: Running) -> None:
    server.predict()
    server.predict({})
    for number in range(20):
        server.client.request("PURGE", f"/pot/{number}")
    text = server.client.get("/metrics").text
    assert 'fastapi_requests_total{method="POST",path="/predict",status="200"}' in text
    assert 'fastapi_requests_total{method="POST",path="/predict",status="422"}' in text
    assert 'fastapi_requests_total{method="OTHER",path="unmatched",status="404"} 20.0' in text
    assert 'fastapi_requests_latency_seconds_bucket{le="+Inf",method="POST",path="/predict"}' in text
    assert 'fastapi_requests_in_progress{method="GET",path="/metrics"} 1.0' in text
    assert 'fastapi_requests_in_progress{method="POST",path="/predict"} 0.0' in text
    assert "pot" not in text
