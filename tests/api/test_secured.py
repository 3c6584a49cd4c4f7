"""A server of its own process with everything at its door: certificates, tokens, a limit, and operators."""

import json
import logging
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from api.door.settings import DoorSettings
from api.door.tls import Certificates
from api.server import serve
from api.settings import ApiSettings
from lakehouse.errors import BadSetting
from tests.api import served_models as models
from tests.api.certificates import Authority
from tests.api.running import Running, running

READER, SECOND, OPERATOR = (f"{name}-0123456789abcdef" for name in ("reader", "second", "operator"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The access log of the server."""
    return []


@pytest.fixture(scope="module")
def server(
    store: Path, tmp_path_factory: pytest.TempPathFactory, authority: Authority, lines: list[str]
) -> Iterator[Running]:
    """Two workers that hear only clients with a certificate and answer only those with a token."""
    base, own = tmp_path_factory.mktemp("secured"), authority.pair("server")
    folder = Path(shutil.copytree(store, base / "models"))
    (folder / "production").write_text("1")
    settings = {
        "LAKELINE_SERVE_TLS_CERT": str(own.cert),
        "LAKELINE_SERVE_TLS_KEY": str(own.key),
        "LAKELINE_SERVE_TLS_CLIENT_CA": str(authority.cert),
        "LAKELINE_SERVE_TOKENS": f"{READER},{SECOND}",
        "LAKELINE_SERVE_ADMIN_TOKENS": OPERATOR,
        "LAKELINE_SERVE_RATE": "0.001",
        "LAKELINE_SERVE_BURST": "150",
        "LAKELINE_ACCESS_LOG": "on",
    }
    trusted = trusting(authority)
    client = authority.pair("client")
    trusted.load_cert_chain(client.cert, client.key)
    with running(base / "home", folder, workers=2, verify=trusted, **settings) as found:
        found.wait(lambda told: told["ready"] is True)
        while len(found.client.get("/admin", headers=bearer(OPERATOR)).json()["workers"]) < 2:
            time.sleep(0.05)
        # A server waits for whoever reads its access log.
        threading.Thread(target=lines.extend, args=(found.process.stdout,), daemon=True).start()
        yield found


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.cert))


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def wait_for_all(
    server: Running, is_so: Callable[[httpx.Response], bool], method: str = "GET", path: str = "/readyz"
) -> None:
    """Waits until many answers, each on a connection of its own and so of any worker, are like this."""
    deadline = time.monotonic() + 20
    headers = bearer(OPERATOR) | {"connection": "close"}
    while time.monotonic() < deadline:
        answers = [server.client.request(method, path, json=models.SETOSA, headers=headers) for _ in range(12)]
        if all(map(is_so, answers)):
            return
    raise AssertionError(answers[0].text)


@pytest.mark.slow
def test_a_client_without_a_certificate_of_the_authority_is_not_heard(
    server: Running, authority: Authority, tmp_path: Path
) -> None:
    address = server.client.base_url
    assert address.scheme == "https"
    stranger = Authority(tmp_path, "stranger").pair("client")
    for pair in (None, stranger):
        trusted = trusting(authority)
        if pair is not None:
            trusted.load_cert_chain(pair.cert, pair.key)
        with httpx.Client(base_url=address, verify=trusted) as client, pytest.raises(httpx.TransportError):
            client.get("/livez")
    with httpx.Client(base_url=str(address).replace("https", "http")) as client, pytest.raises(httpx.TransportError):
        client.get("/livez")
    assert "strict-transport-security" in server.client.get("/livez").headers


@pytest.mark.slow
def test_an_operator_drains_all_workers_and_takes_it_back(server: Running) -> None:
    assert server.client.put("/admin/drain", headers=bearer(READER)).status_code == 403
    told = server.client.put("/admin/drain", headers=bearer(OPERATOR)).json()
    assert (told["drain"], len(told["workers"])) == (True, 2)
    wait_for_all(server, lambda answer: answer.status_code == 503 and "operator" in answer.json()["reason"])
    assert server.client.post("/predict", json=models.SETOSA, headers=bearer(OPERATOR)).status_code == 200
    assert server.client.delete("/admin/drain", headers=bearer(OPERATOR)).json()["drain"] is False
    wait_for_all(server, lambda answer: answer.status_code == 200)


@pytest.mark.slow
def test_an_operator_gives_the_canary_a_share_of_all_workers_and_ends_it(server: Running) -> None:
    server.name(2, "staging")

    def give(share: object) -> httpx.Response:
        return server.client.put("/admin/canary", json={"share": share}, headers=bearer(OPERATOR))

    assert server.client.put("/admin/canary", json={"share": 1}, headers=bearer(READER)).status_code == 403
    assert [give(share).status_code for share in (1.5, "1", None, True)] == [422] * 4
    deep = bearer(OPERATOR) | {"content-type": "application/json"}
    assert server.client.put("/admin/canary", content=b"[" * 50_000, headers=deep).status_code == 400
    for share in (1.0, 0.0):
        assert give(share).json() == {"share": share}
        version = "2" if share else "1"
        wait_for_all(server, partial(is_of, version), "POST", "/predict")


def is_of(version: str, answer: httpx.Response) -> bool:
    return answer.headers["x-model-version"] == version


@pytest.mark.slow
def test_the_limit_holds_over_all_workers(server: Running) -> None:
    headers = bearer(SECOND) | {"connection": "close"}
    statuses = [server.client.post("/predict", json=models.SETOSA, headers=headers).status_code for _ in range(160)]
    assert (statuses.count(200), statuses.count(429)) == (150, 10)


@pytest.mark.slow
def test_each_request_stands_in_the_access_log(server: Running, lines: list[str]) -> None:
    sent = [f"request-{number}" for number in range(10)]
    for identity in sent:
        server.client.get("/livez", headers={"x-request-id": identity, "connection": "close"})
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and sum('"request-' in line for line in lines) < len(sent):
        time.sleep(0.02)
    assert [told["request_id"] for line in lines if "request-" in (told := json.loads(line))["request_id"]] == sent


def test_files_that_are_no_certificates_stop_the_start(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no certificate")
    own = authority.pair("own")

    def checked(**changes: object) -> None:
        given = {"tls_cert": own.cert, "tls_key": own.key, "tls_client_ca": authority.cert}
        Certificates.of(DoorSettings.model_validate(given | changes))

    checked()
    with pytest.raises(BadSetting, match=r"LAKELINE_SERVE_TLS_CERT is .*no such file"):
        checked(tls_cert=tmp_path / "none")
    with pytest.raises(BadSetting, match="LAKELINE_SERVE_TLS_CERT is"):
        checked(tls_key=authority.pair("other").key)
    with pytest.raises(BadSetting, match="LAKELINE_SERVE_TLS_CLIENT_CA is"):
        checked(tls_client_ca=tmp_path / "text")


@pytest.mark.parametrize(
    ("host", "tokens", "is_warned"), [("0.0.0.0", "", True), ("0.0.0.0", READER, False), ("127.0.0.1", "", False)]
)
def test_a_server_that_anybody_may_ask_says_so(
    host: str,
    tokens: str,
    is_warned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Enough(Exception):
        pass

    def stop(address: str) -> None:
        raise Enough

    monkeypatch.setenv("LAKELINE_SERVE_TOKENS", tokens)
    with pytest.raises(Enough), caplog.at_level(logging.WARNING):
        serve(ApiSettings(home=tmp_path, serve_host=host, serve_port=0), started=stop)
    assert ("whoever reaches '0.0.0.0' may ask" in caplog.text) == is_warned
