"""A webhook is heard where it is genuine, and does nothing but ring."""

import doctest
import json
import threading
import time
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.follow import Follower
from api.hint import signature
from api.hint.bell import Bell
from api.hint.hints import Hints
from api.hint.settings import HintSettings
from api.routes.webhook import hear
from api.served import Target
from api.serving import Serving
from api.settings import ApiSettings
from api.shelf import Shelf
from lakehouse.errors import BadSetting
from tests.api.asked import ask

SECRET, OTHER = b"as long as a secret", b"the one before this"
BODY = {
    "entity": "model_version_alias",
    "action": "created",
    "data": {"name": "iris", "alias": "production", "version": "7"},
}


def listening(folder: Path) -> FastAPI:
    app = create_app(ApiSettings(), Serving())
    hear(app, Hints(secrets=(SECRET, OTHER), model="iris", bell=Bell(folder)))
    return app


def sent(app: FastAPI, body: bytes, *, secret: bytes = SECRET, ago: int = 0, **changes: str | bytes) -> httpx.Response:
    at = str(int(time.time()) - ago)
    headers = {
        "content-type": "application/json",
        signature.DELIVERY: "d-1",
        signature.TIMESTAMP: at,
        signature.SIGNATURE: signature.signed(secret, "d-1", at, body),
    }
    return ask(app, "POST", "/webhooks/mlflow", content=body, headers=headers | changes)


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_a_genuine_hint_rings(tmp_path: Path, secret: bytes) -> None:
    answer = sent(listening(tmp_path), json.dumps(BODY).encode(), secret=secret)
    assert (answer.status_code, answer.json()) == (202, {"looks": True})
    assert Bell(tmp_path).rung() is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": b"the secret of another"},
        {"ago": 301},
        {"ago": -301},
        {signature.SIGNATURE: ""},
        {signature.SIGNATURE: b"v1,\xe9"},
        {signature.TIMESTAMP: "soon"},
        {signature.DELIVERY: "d-2"},
    ],
)
def test_a_forged_hint_does_nothing(tmp_path: Path, changes: dict[str, object]) -> None:
    answer = sent(listening(tmp_path), json.dumps(BODY).encode(), **changes)  # type: ignore[arg-type]
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert Bell(tmp_path).rung() is None


def test_a_hint_of_another_model_does_not_ring_and_one_that_says_nothing_does(tmp_path: Path) -> None:
    app = listening(tmp_path)
    assert sent(app, json.dumps(BODY | {"data": {"name": "rent"}}).encode()).json() == {"looks": False}
    assert Bell(tmp_path).rung() is None
    assert sent(app, b"[[1]]").json() == {"looks": True}


def test_without_a_secret_there_is_nothing_to_send_hints_to(tmp_path: Path) -> None:
    assert sent(create_app(ApiSettings(), Serving()), b"{}").status_code == 404


def test_secrets_come_from_a_variable_or_a_file_and_a_short_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert HintSettings.from_env().secrets == ()
    (tmp_path / "secrets").write_text("one-that-is-long-enough\nanother-that-is-long\n")
    monkeypatch.setenv("LAKELINE_SERVE_WEBHOOK_SECRET_FILE", str(tmp_path / "secrets"))
    assert HintSettings.from_env().secrets == (b"one-that-is-long-enough", b"another-that-is-long")
    monkeypatch.setenv("LAKELINE_SERVE_WEBHOOK_SECRET", "guessed")
    with pytest.raises(BadSetting, match="at least 16") as refused:
        _ = HintSettings.from_env().secrets
    assert "guessed" not in str(refused.value)
    monkeypatch.setenv("LAKELINE_SERVE_WEBHOOK_SECRET_FILE", str(tmp_path / "absent"))
    with pytest.raises(BadSetting, match="cannot be read"):
        _ = HintSettings.from_env().secrets


@pytest.mark.slow
def test_a_ring_has_the_registry_asked_at_once_but_many_not_more_often(tmp_path: Path) -> None:
    asked: list[float] = []
    bell = Bell(tmp_path)

    def named() -> Target | None:
        asked.append(time.monotonic())
        return None

    follower = Follower(
        Shelf(tmp_path / "shelf"),
        tmp_path / "placed.json",
        followed="iris@production",
        named=named,
        fetch=lambda target, folder, is_wanted: None,
        poll_seconds=3600,
        rung=bell.rung,
    )
    thread = threading.Thread(target=follower.run)
    thread.start()
    began = time.monotonic()
    while time.monotonic() < began + 1.4:
        bell.ring()
        time.sleep(0.01)
    follower.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert 2 <= len(asked) <= 4


def test_the_signature_is_as_the_example_says() -> None:
    assert doctest.testmod(signature).failed == 0
