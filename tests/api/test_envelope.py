import asyncio
import io
import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from api.app import create_app
from api.entrance import Entrance
from api.serving import Serving
from api.settings import ApiSettings
from observability.log import access_log
from tests.api import served_models as models
from tests.api.asked import JSON, Kept, ask, serving

SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
CLOSED = "default-src 'none'; frame-ancestors 'none'"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Broken(Serving):
    """What is served, with a defect."""

    def need(self) -> None:  # type: ignore[override]
        raise RuntimeError("the password is 12345")


def test_every_answer_has_the_safe_headers_and_an_identity(store: Path, tmp_path: Path) -> None:
    app = create_app(ApiSettings(home=tmp_path), serving(store / "1"))
    broken = create_app(ApiSettings(home=tmp_path), Broken())
    asked = [
        (app, "POST", "/predict", models.SETOSA, 200),
        (app, "POST", "/predict", {"a": 1}, 422),
        (app, "GET", "/nowhere", None, 404),
        (app, "DELETE", "/predict", None, 405),
        (app, "GET", "/metrics", None, 200),
        (broken, "POST", "/predict", models.SETOSA, 500),
        (broken, "POST", "/predict/batch", [models.SETOSA], 500),
        (broken, "GET", "/v2/models/x", None, 500),
    ]
    identities = set()
    for each, method, path, body, status in asked:
        answer = ask(each, method, path, json=body)
        assert answer.status_code == status
        assert {name: answer.headers[name] for name in SAFE} == SAFE, path
        assert answer.headers["content-security-policy"] == CLOSED
        assert "strict-transport-security" not in answer.headers
        assert not {"server", "x-powered-by"} & set(answer.headers)
        assert not re.search(r"12345|Traceback|RuntimeError|\.py", answer.text)
        identities.add(answer.headers["x-request-id"])
    assert len(identities) == len(asked)
    over_tls = create_app(ApiSettings(home=tmp_path), Serving(), entrance=Entrance(is_tls=True))
    assert "strict-transport-security" in ask(over_tls, "GET", "/livez").headers


def test_the_page_may_run_and_apply_only_what_it_holds(store: Path, tmp_path: Path) -> None:
    answer = ask(create_app(ApiSettings(home=tmp_path), serving(store / "1")), "GET", "/docs")
    for element in ("script", "style"):
        (text,) = re.findall(f"<{element}>(.*?)</{element}>", answer.text, re.DOTALL)
        told = f"{element}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
        assert told in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r" on[a-z]+=| style=", answer.text)


@pytest.mark.parametrize("sent", ["order-7", "a" * 128, "0af7651916cd43dd8448eb211c80319c"])
def test_a_sane_identity_of_the_sender_is_kept(store: Path, tmp_path: Path, sent: str) -> None:
    kept = Kept()
    app = create_app(ApiSettings(home=tmp_path), serving(store / "1"), recorder=kept)
    answer = ask(app, "POST", "/predict", json=models.SETOSA, headers={"x-request-id": sent})
    assert [answer.headers["x-request-id"], kept.answers[0].request_id] == [sent, sent]


@pytest.mark.parametrize("sent", ["", "a" * 129, "two words", 'a"b', "a\tb", "ä", "<i>", "{}"])
def test_another_one_is_replaced_and_answer_and_log_agree(store: Path, tmp_path: Path, sent: str) -> None:
    kept = Kept()
    app = create_app(ApiSettings(home=tmp_path), serving(store / "1"), recorder=kept)
    headers = {"x-request-id": sent.encode()}
    answers = [
        ask(app, "POST", "/predict", json=models.SETOSA, headers=headers),
        ask(app, "POST", "/predict/batch", json=[models.SETOSA], headers=headers),
    ]
    made = [answer.headers["x-request-id"] for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{32}", identity) for identity in made)
    assert [answered.request_id for answered in kept.answers] == made


def test_the_access_log_has_one_object_for_each_request(store: Path, tmp_path: Path) -> None:
    stream = io.StringIO()
    entrance = Entrance(access=access_log(stream))
    app = create_app(ApiSettings(home=tmp_path), serving(store / "1"), entrance=entrance)
    sent = JSON | {"x-request-id": "order-7", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    sent |= {"authorization": "Bearer a-secret-of-the-sender"}
    ask(app, "POST", "/predict?name=Anna", content=json.dumps(models.SETOSA), headers=sent)
    ask(app, "GET", "/no%22where%0A", headers={"traceparent": "00-x"})
    broken = create_app(ApiSettings(home=tmp_path), Broken(), entrance=entrance)
    ask(broken, "POST", "/predict", json={})
    first, second, third = map(json.loads, stream.getvalue().splitlines())
    assert {name: first[name] for name in first if name not in ("time", "seconds")} == {
        "level": "info",
        "logger": "lakeline.access",
        "message": "request",
        "request_id": "order-7",
        "method": "POST",
        "path": "/predict",
        "client": "127.0.0.1",
        "trace_id": TRACE,
        "status": 200,
        "model_version": 1,
        "bytes": 16,
    }
    assert 0 < first["seconds"] < 60
    assert (second["status"], second["path"], "trace_id" in second) == (404, '/no"where\n', False)
    assert third["status"] == 500
    assert not re.search("Anna|secret|petal", stream.getvalue())


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/explain", "/invocations"])
def test_a_request_that_its_sender_left_is_logged_as_such_and_no_defect(store: Path, tmp_path: Path, path: str) -> None:
    stream = io.StringIO()
    app = create_app(ApiSettings(home=tmp_path), serving(store / "1"), entrance=Entrance(access=access_log(stream)))

    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def unheard(message: object) -> None:
        """Nobody is there to hear it."""

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    asyncio.run(app(scope, gone, unheard))  # type: ignore[arg-type]
    assert json.loads(stream.getvalue())["status"] == 499
