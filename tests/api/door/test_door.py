import logging
from pathlib import Path

import pytest
from fastapi import FastAPI

from api.app import create_app
from api.door.door import Door
from api.door.settings import DoorSettings
from api.entrance import Entrance
from api.hint.bell import Bell
from api.hint.hints import Hints
from api.placed import Placed
from api.routes.webhook import hear
from api.serving import Serving
from api.settings import ApiSettings
from tests.api import served_models as models
from tests.api.asked import ask, serving

READER, SECOND, OPERATOR = (f"{name}-0123456789abcdef" for name in ("reader", "second", "operator"))
GUARDED = {"tokens": f"{READER}, {SECOND}", "admin_tokens": OPERATOR}


def guarded(store: Path, run: Path, **settings: object) -> FastAPI:
    """An application behind a door, as a worker makes it."""
    door = DoorSettings.model_validate(settings)
    entrance = Entrance.of(ApiSettings(home=run), door, run)
    return create_app(ApiSettings(home=run), serving(store / "1"), entrance=entrance)


def shown(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"authorization": f"{scheme} {token}"}


@pytest.fixture
def app(store: Path, tmp_path: Path) -> FastAPI:
    return guarded(store, tmp_path, **GUARDED)


def test_any_of_the_tokens_opens_and_no_other_does(app: FastAPI) -> None:
    def predict(headers: dict[str, str]) -> int:
        return ask(app, "POST", "/predict", json=models.SETOSA, headers=headers).status_code

    assert [predict(shown(token)) for token in (READER, SECOND, OPERATOR)] == [200, 200, 200]
    assert predict(shown(READER, "bearer")) == 200
    wrong = [{}, shown(""), shown(READER[:-1]), shown(READER + "x"), shown(READER, "Basic"), {"authorization": READER}]
    assert [predict(headers) for headers in wrong] == [401] * len(wrong)


def test_a_refusal_is_a_problem_that_says_how_to_ask(app: FastAPI) -> None:
    answer = ask(app, "POST", "/predict", json=models.SETOSA)
    assert answer.headers["www-authenticate"] == 'Bearer realm="lakeline"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:lakeline:problem:token-wanted"
    wrong = ask(app, "GET", "/v2", headers=shown("w" * 20))
    assert wrong.headers["www-authenticate"] == 'Bearer realm="lakeline", error="invalid_token"'
    assert wrong.json()["error"] == wrong.json()["detail"]
    assert "w" * 20 not in wrong.text


def test_only_health_is_answered_without_a_token(app: FastAPI) -> None:
    document = ask(app, "GET", "/openapi.json", headers=shown(READER)).json()
    closed = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answer = ask(app, method.upper(), path.replace("{", "").replace("}", ""))
            closed[path] = answer.status_code == 401
            assert closed[path] == bool(operation["security"]), path
    assert {path for path, is_closed in closed.items() if not is_closed} == {
        "/livez", "/readyz", "/ping", "/v2/health/live", "/v2/health/ready"
    }  # fmt: skip
    for path in ("/docs", "/openapi.json", "/nowhere", "//livez", "/livez/", "/LIVEZ"):
        assert ask(app, "GET", path).status_code == 401


def test_a_stranger_learns_whether_the_server_is_ready_and_not_why(store: Path, tmp_path: Path) -> None:
    door = DoorSettings.model_validate(GUARDED)
    waiting = Serving()
    waiting.placed["production"] = Placed(registry="does not answer: mlflow.inside:5000/a/private/path")
    entrance = Entrance.of(ApiSettings(home=tmp_path), door, tmp_path)
    for served, status in ((serving(store / "1"), 200), (waiting, 503)):
        app = create_app(ApiSettings(home=tmp_path), served, entrance=entrance)
        stranger = ask(app, "GET", "/readyz")
        assert (stranger.status_code, stranger.json()) == (status, {"ready": status == 200})
        assert "private" not in ask(app, "GET", "/ping").text
        known = ask(app, "GET", "/readyz", headers=shown(READER))
        assert ("run1" if status == 200 else "private") in known.text


def test_metrics_are_open_where_a_setting_says_so(store: Path, tmp_path: Path, app: FastAPI) -> None:
    assert ask(app, "GET", "/metrics").status_code == 401
    told = ask(app, "GET", "/metrics", headers=shown(READER))
    assert 'fastapi_requests_total{method="GET",path="/metrics",status="401"} 1.0' in told.text
    is_open = guarded(store, tmp_path, **GUARDED, metrics_open=True)
    assert ask(is_open, "GET", "/metrics").status_code == 200


def test_operators_have_a_token_of_their_own(app: FastAPI, store: Path, tmp_path: Path) -> None:
    refused = ask(app, "GET", "/admin", headers=shown(READER))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:lakeline:problem:token-too-weak")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert ask(app, "PUT", "/admin/drain").status_code == 401
    assert ask(app, "GET", "/admin", headers=shown(OPERATOR)).json()["drain"] is False
    only_operators = guarded(store, tmp_path, admin_tokens=OPERATOR)
    assert ask(only_operators, "POST", "/predict", json=models.SETOSA).status_code == 200
    assert ask(only_operators, "GET", "/admin").status_code == 401


def test_an_operator_has_the_registry_asked_at_once(app: FastAPI, tmp_path: Path) -> None:
    assert ask(app, "POST", "/admin/look", headers=shown(READER)).status_code == 403
    before = Bell(tmp_path).rung()
    assert ask(app, "POST", "/admin/look", headers=shown(OPERATOR)).status_code == 202
    assert (before, Bell(tmp_path).rung() is None) == (None, False)


def test_a_webhook_that_is_signed_needs_no_token_but_counts(store: Path, tmp_path: Path) -> None:
    app = guarded(store, tmp_path, **GUARDED, rate=0.001, burst=2)
    hear(app, Hints(secrets=[b"s" * 16], model="iris_xgboost_classifier", bell=Bell(tmp_path)))
    forged = [ask(app, "POST", "/webhooks/mlflow", json={}).status_code for _ in range(3)]
    assert forged == [403, 403, 429]


def test_nobody_steers_a_server_that_knows_no_operator(store: Path, tmp_path: Path) -> None:
    app = guarded(store, tmp_path, tokens=READER)
    assert ask(app, "PUT", "/admin/drain", headers=shown(READER)).status_code == 403
    assert Door.of(DoorSettings(), None) is None
    open_app = create_app(ApiSettings(home=tmp_path), serving(store / "1"))
    assert ask(open_app, "PUT", "/admin/drain").status_code == 404


def test_who_asks_too_often_is_told_how_long_to_wait(store: Path, tmp_path: Path) -> None:
    app = guarded(store, tmp_path, **GUARDED, rate=0.5, burst=2)

    def statuses(headers: dict[str, str]) -> list[int]:
        return [ask(app, "GET", "/models", headers=headers).status_code for _ in range(3)]

    assert statuses(shown(READER)) == [200, 200, 429]
    assert statuses(shown(SECOND)) == [200, 200, 429]
    assert statuses(shown("guessed-0123456789abc")) == [401, 401, 429]
    assert statuses({}) == [429, 429, 429]  # the same address that guessed
    refused = ask(app, "GET", "/models", headers=shown(READER))
    assert refused.json()["type"] == "urn:lakeline:problem:too-many-requests"
    assert refused.headers["retry-after"] == "2"
    assert [ask(app, "GET", "/livez").status_code for _ in range(9)] == [200] * 9
    assert ask(app, "GET", "/readyz", headers=shown("guessed-0123456789abc")).status_code == 429


def test_a_token_is_in_no_log(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ask(app, "POST", "/predict", json=models.SETOSA, headers=shown(READER))
        ask(app, "POST", "/predict", json=models.SETOSA, headers=shown("w" * 20))
    assert READER not in caplog.text
    assert "w" * 20 not in caplog.text
