import base64
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from lakehouse import jars
from lakehouse.errors import JarsMissing
from lakehouse.settings import LakeSettings

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")
CLOSED = "http://127.0.0.1:9"
PASSWORD = "s3 <&>'\" cret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A Maven mirror on this machine, that answers only those who know its password."""

    files: Path
    url: str
    served: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def put(self, jar: jars.Jar, content: bytes | Path) -> None:
        """Offers a file under the coordinates of a jar."""
        place = self.files / jar.path
        place.parent.mkdir(parents=True)
        if isinstance(content, Path):
            place.symlink_to(content)
        else:
            place.write_bytes(content)

    @property
    def served_jars(self) -> list[str]:
        """The names of the jars that were read, sorted."""
        return sorted({Path(path).name for path in self.served if path.endswith(".jar")})


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, mirror: Mirror) -> None:
        self.mirror = mirror
        super().__init__(*arguments, directory=str(mirror.files))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self._is_known():
            self.mirror.served.append(self.path)
            super().do_GET()

    def do_HEAD(self) -> None:
        if self._is_known():
            super().do_HEAD()

    def log_message(self, *arguments: object) -> None:
        pass

    def _is_known(self) -> bool:
        if self.headers["Authorization"] == f"Basic {_basic()}":
            return True
        self.mirror.refused.append(self.path)
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="a mirror"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    files = tmp_path / "mirror"
    files.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    told = Mirror(files=files, url=f"http://127.0.0.1:{server.server_port}/")
    server.RequestHandlerClass = partial(_Handler, mirror=told)  # type: ignore[assignment]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a user whose machine reaches no network."""
    home = tmp_path / "a user's home"
    home.mkdir()
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", CLOSED)
    monkeypatch.setenv("HTTP_PROXY", CLOSED)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MIRROR_PASSWORD", PASSWORD)
    return home


@pytest.fixture
def settings(tmp_path: Path) -> LakeSettings:
    """Of a lake whose folder of jars is still to be filled."""
    return LakeSettings(lakeline_jars=tmp_path / "jars of this lake")


def kept(settings: LakeSettings) -> list[str]:
    return sorted(path.name for path in settings.jars.iterdir() if path.name != ".lock")


def tell_maven(home: Path, url: str, password: str = "${env.MIRROR_PASSWORD}") -> None:
    (home / ".m2").mkdir()
    (home / ".m2" / "settings.xml").write_text(
        f"<settings><mirrors><mirror><id>near</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror></mirrors>"
        f"<servers><server><id>near</id><username>ann</username><password>{password}</password></server></servers>"
        "</settings>"
    )


def test_the_closed_list_names_each_file_once_with_its_sum() -> None:
    every = jars.wanted(s3=True)
    assert len({jar.file for jar in every}) == len(every)
    for jar in every:
        assert all((jar.group, jar.name, jar.version))
        assert len(bytes.fromhex(jar.sha256)) == 32


def test_what_s3_needs_is_asked_for_by_an_s3_lake_only(settings: LakeSettings) -> None:
    local = jars.paths(settings)
    on_s3 = jars.paths(settings.model_copy(update={"lake_root": "s3://bucket/lake"}))
    assert {path.parent for path in on_s3} == {settings.jars}
    assert set(local) < set(on_s3)
    assert not any("aws" in path.name for path in local)
    assert any(path.name.startswith("hadoop-aws-") for path in on_s3)


def test_jars_that_are_there_ask_no_network(machine: Path) -> None:
    said: list[str] = []
    settings = LakeSettings()
    assert jars.ensure(settings, said.append) == jars.paths(settings)
    assert said == []


@pytest.mark.slow
def test_the_jars_come_from_the_mirror_of_the_machine_which_is_told_its_password(
    machine: Path, mirror: Mirror, settings: LakeSettings
) -> None:
    tell_maven(machine, mirror.url)
    for jar in jars.wanted(s3=False):
        mirror.put(jar, LakeSettings().jars / jar.file)
    said: list[str] = []
    paths = jars.ensure(settings, said.append)
    assert mirror.refused  # a password is told to a server that asked for it
    assert kept(settings) == mirror.served_jars == sorted(path.name for path in paths)
    assert len(said) == 1
    assert f"downloading {len(paths)} Spark jars" in said[0]

    lost = paths[0]
    lost.unlink()
    mirror.served.clear()
    jars.ensure(settings, said.append)
    assert mirror.served_jars == [lost.name]


@pytest.mark.slow
def test_of_two_commands_that_race_one_downloads(
    machine: Path, mirror: Mirror, settings: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_maven(machine, mirror.url)
    for jar in jars.wanted(s3=False):
        mirror.put(jar, LakeSettings().jars / jar.file)
    monkeypatch.setenv("LAKELINE_JARS", str(settings.jars))
    command = [sys.executable, "-m", "lakehouse.jars"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "".join(told).count("downloading") == 1
    assert all(f"Spark's jars are in {settings.jars}" in output for output in told)


@pytest.mark.slow
def test_a_file_with_another_sum_is_refused_and_leaves_nothing(
    machine: Path, mirror: Mirror, settings: LakeSettings
) -> None:
    tell_maven(machine, mirror.url)
    first, *others = jars.wanted(s3=False)
    mirror.put(first, b"not what was asked for")
    for jar in others:
        mirror.put(jar, LakeSettings().jars / jar.file)
    with pytest.raises(JarsMissing, match=f"SHA-256 is [0-9a-f]{{64}}, wanted {first.sha256}") as caught:
        jars.ensure(settings, lambda line: None)
    assert first.file in str(caught.value)
    assert kept(settings) == []


@pytest.mark.slow
def test_a_mirror_that_lacks_a_jar_is_told_and_what_it_has_is_not_kept(
    machine: Path, mirror: Mirror, settings: LakeSettings
) -> None:
    tell_maven(machine, mirror.url)
    *others, last = jars.wanted(s3=False)
    for jar in others:
        mirror.put(jar, LakeSettings().jars / jar.file)
    with pytest.raises(JarsMissing, match=f"(?i)not found.*{mirror.url}{last.path}") as caught:
        jars.ensure(settings, lambda line: None)
    assert str(caught.value).startswith(f"the jar {last.file!r} ")
    assert kept(settings) == []


@pytest.mark.slow
def test_a_wrong_password_is_told_and_does_not_appear(machine: Path, mirror: Mirror, settings: LakeSettings) -> None:
    tell_maven(machine, mirror.url, "wr0ng")
    with pytest.raises(JarsMissing, match="(?i)unauthorized|too many") as caught:
        jars.ensure(settings, lambda line: None)
    assert mirror.served == []
    assert "wr0ng" not in str(caught.value)
    assert kept(settings) == []


@pytest.mark.slow
def test_without_a_network_and_without_jars_it_is_said_in_words(machine: Path, settings: LakeSettings) -> None:
    with pytest.raises(JarsMissing) as caught:
        jars.ensure(settings, lambda line: None)
    told = str(caught.value)
    assert jars.wanted(s3=False)[0].file in told
    assert "refused" in told.lower()
    assert "mirror or proxy of ~/.m2/settings.xml or HTTPS_PROXY" in told
    assert "\n" not in told
    assert kept(settings) == []


@pytest.mark.slow
def test_what_an_interrupted_download_left_is_cleaned_away(
    machine: Path, mirror: Mirror, settings: LakeSettings
) -> None:
    tell_maven(machine, mirror.url)
    left = settings.jars / ".incoming-of-one-that-was-killed"
    left.mkdir(parents=True)
    (left / "half.jar").write_bytes(b"PK")
    with pytest.raises(JarsMissing):
        jars.ensure(settings, lambda line: None)
    assert kept(settings) == []


@pytest.mark.slow
def test_a_proxy_that_wants_a_password_is_told_it(
    machine: Path, settings: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _proxy() as (address, seen):
        monkeypatch.delenv("HTTP_PROXY")
        monkeypatch.setenv("HTTPS_PROXY", address.replace("://", f"://ann:{quote(PASSWORD)}@"))
        with pytest.raises(JarsMissing) as caught:
            jars.ensure(settings, lambda line: None)
    assert f"Basic {_basic()}" in seen
    assert PASSWORD not in str(caught.value)


@contextmanager
def _proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that asks for a password and leads nowhere, and the passwords that it was told."""
    seen: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            told = self.headers["Proxy-Authorization"]
            seen.append(str(told))
            self.send_response(502 if told else 407)
            self.send_header("Proxy-Authenticate", 'Basic realm="the way out"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _basic() -> str:
    return base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
