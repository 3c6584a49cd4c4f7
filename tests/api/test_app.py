import json
from pathlib import Path

import numpy as np
import pytest

import api.errors
import lakehouse.errors
from api.app import create_app
from api.errors import Fault, InputRefused, NotReady, RequestRefused
from api.predictor import load
from api.problem import answer_of, problem_of, status_of
from api.serving import Serving
from api.settings import ApiSettings
from lakehouse.errors import BadSetting, PlatformError, StoreUnreachable, Transient
from tests.api import served_models as models
from tests.api.asked import JSON, ask


class Failing(Serving):
    """What is served, with a defect."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def need(self) -> None:  # type: ignore[override]
        raise self.error


def test_a_defect_is_answered_without_its_trace_and_counted() -> None:
    app = create_app(ApiSettings(), Failing(RuntimeError("secret at line 12")))
    answer = ask(app, "POST", "/predict", json={})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "the server could not answer; its log says why"
    assert "secret" not in answer.text
    metrics = ask(app, "GET", "/metrics").text
    assert 'fastapi_requests_total{method="POST",path="/predict",status="500"} 1.0' in metrics


def test_an_error_of_the_inside_says_nothing_of_the_inside() -> None:
    app = create_app(ApiSettings(), Failing(StoreUnreachable("/a/private/path", "password wrong")))
    answer = ask(app, "POST", "/predict", json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "private" not in answer.text


def test_a_regressor_with_other_fields_is_served_by_its_card_alone(tmp_path: Path) -> None:
    booster = models.iris_booster("reg:squarederror", np.linspace(0.0, 3.0, 150))
    features = ["price in €", "b", "c", "d", "e"]
    booster.feature_names = None
    changes: dict[str, object] = {
        "name": "rent",
        "features": features,
        "derived": {},
        "objective": "reg:squarederror",
        "example": None,
    }
    serving = Serving()
    serving.predictor = load(models.place(tmp_path, booster, models.card() | changes | {"classes": []}))
    app = create_app(ApiSettings(), serving)
    answer = ask(app, "POST", "/predict", json=dict.fromkeys(features, 1))
    assert type(answer.json()["prediction"]) is float
    assert answer.headers["x-model-name"] == "rent"
    operation = ask(app, "GET", "/openapi.json").json()["paths"]["/predict"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["required"] == features
    assert "price in €" in ask(app, "GET", "/docs").text


def test_the_documentation_works_before_a_model_is_loaded() -> None:
    app = create_app(ApiSettings(), Serving())
    assert "no model is loaded yet" in ask(app, "GET", "/openapi.json").text
    assert "No model is loaded yet" in ask(app, "GET", "/docs").text


def test_names_from_a_model_cannot_write_into_the_page(tmp_path: Path) -> None:
    changes = {"name": "<script>alert(1)</script>", "classes": ["<b>"], "run_id": "'\"><i>"}
    serving = Serving()
    serving.predictor = load(models.place(tmp_path, models.iris_booster(), models.card() | changes))
    page = ask(create_app(ApiSettings(), serving), "GET", "/docs").text
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_the_size_limit_is_a_setting(tmp_path: Path) -> None:
    serving = Serving()
    serving.predictor = load(models.place(tmp_path, models.iris_booster(), models.card()))
    app = create_app(ApiSettings(serve_body_limit=20), serving)
    assert ask(app, "POST", "/predict", content=b"{" + b" " * 30, headers=JSON).status_code == 413


def every(kind: type[PlatformError]) -> set[type[PlatformError]]:
    return {kind}.union(*(every(below) for below in kind.__subclasses__()))


@pytest.mark.parametrize("kind", sorted(every(PlatformError), key=str))
def test_every_error_of_the_platform_has_a_status_and_a_place_in_the_drawn_tree(kind: type[PlatformError]) -> None:
    status = status_of(kind.__new__(kind))
    expected = (
        range(400, 500) if issubclass(kind, RequestRefused) else (503,) if issubclass(kind, Transient) else (500,)
    )
    assert status in expected
    if kind.__module__ == "api.errors":
        assert kind.__name__ in str(api.errors.__doc__)


def test_only_what_concerns_the_sender_is_told() -> None:
    assert problem_of(NotReady("waiting"))["detail"] == "no model is loaded: waiting"
    told = problem_of(lakehouse.errors.Fatal("/etc/secret"))
    assert (told["status"], told["detail"]) == (500, "the server could not answer; its log says why")
    refused = answer_of(InputRefused([Fault(kind="missing", field="b\ud800", reason="is required", row=3)]))
    assert json.loads(refused.body) == {
        "type": "urn:lakeline:problem:input-refused",
        "title": "the input is not what the model takes",
        "status": 422,
        "detail": "row 3: b\ud800: is required",
        "errors": [{"field": "b\ud800", "reason": "is required", "kind": "missing", "row": 3}],
    }


def test_settings_come_from_the_environment_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_SERVE_PORT", "9000")
    monkeypatch.setenv("LAKELINE_SERVE_MODEL", "rent")
    monkeypatch.setenv("LAKELINE_HOME", "/somewhere")
    settings = ApiSettings.from_env()
    assert (settings.serve_port, str(settings.folder)) == (9000, "/somewhere/serving/rent")
    monkeypatch.setenv("LAKELINE_SERVE_PORT", "70000")
    with pytest.raises(BadSetting, match="LAKELINE_SERVE_PORT is '70000'"):
        ApiSettings.from_env()
    monkeypatch.setenv("LAKELINE_SERVE_PORT", "9000")
    monkeypatch.setenv("LAKELINE_SERVE_MODEL", "../../etc")
    with pytest.raises(BadSetting, match="LAKELINE_SERVE_MODEL"):
        ApiSettings.from_env()
