"""The spool stays on this machine, and the log may be in an object store: the same promises, told over HTTP."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.local.ports import free_port
from api.log.account import spool_now
from api.log.flush import Flusher
from api.log.rows import KEY
from api.log.settings import LogSettings
from assets.graph import Graph
from assets.tending import Tender
from lakehouse.lake import Lake
from registry.models import Models
from tests.api.log.answers import answered, files, numbers, spooled

PROJECT = Path(__file__).parents[3]

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server of the tests' own, with the bucket `lake`."""
    found = subprocess.run(
        [sys.executable, PROJECT / "scripts" / "s3_server.py"], capture_output=True, text=True, check=False, timeout=300
    )
    if found.returncode != 0:
        pytest.skip(found.stderr.splitlines()[-1])
    port = free_port()
    log = tmp_path_factory.mktemp("s3") / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [found.stdout.strip(), "-H", "127.0.0.1", "-p", str(port)], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        place = f"http://127.0.0.1:{port}"
        _put(f"{place}/lake", server)
        yield place
    finally:
        server.kill()
        server.wait()


def _put(bucket: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(bucket, method="PUT"), timeout=10).close()
            return
        except urllib.error.URLError:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture
def settings(address: str, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LogSettings:
    monkeypatch.setenv("LAKE_ROOT", f"s3://lake/{tmp_path.name}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    return LogSettings.from_env()


def test_the_log_is_committed_to_an_object_store_once_whoever_is_killed_and_upkeep_tends_it_there(
    settings: LogSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        spooled(settings, answered(number))
    for moment, left in (("before the commit", 3), ("after the commit", 3)):
        dead = subprocess.run(
            [sys.executable, "-m", "tests.api.log.dying", "flush", moment], cwd=PROJECT, check=False, timeout=120
        )
        assert dead.returncode == -signal.SIGKILL
        assert len(files(settings)) == left
    spooled(settings, answered(3, features={"town": "Bonn"}))
    assert Flusher(Lake.from_env(), settings).flush() == 1
    # Another machine adds to the same table, upon a version that it has seen before ours moved on.
    monkeypatch.setenv("LAKELINE_HOME", str(tmp_path / "other"))
    other = LogSettings.from_env()
    one, two = Flusher(Lake.from_env(), settings), Flusher(Lake.from_env(), other)
    for number in range(4, 12):
        mine, flusher = ((settings, one), (other, two))[number % 2]
        spooled(mine, answered(number))
        assert flusher.flush() == 1
    assert numbers() == list(range(12))
    lake = Lake.from_env()
    done = Tender(lake, Models.from_env(lake), Graph.of([])).run(KEY, grace=timedelta(0))
    assert done.is_ok
    assert done.tables[0].compacted.files >= 8
    assert numbers() == list(range(12))
    assert files(settings) == files(other) == []


def test_while_the_object_store_is_away_predictions_wait_on_this_machine(
    settings: LogSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooled(settings, answered(0))
    there = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    away = Flusher(Lake.from_env(), settings)
    assert away.attempt() is None
    assert (spool_now(settings).segments, spool_now(settings).flush_failures) == (1, 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", there)
    assert Flusher(Lake.from_env(), settings).attempt() == 1
    assert numbers() == [0]
