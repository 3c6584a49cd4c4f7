"""The server as a container runs it: no privileges, and nothing but its own folder can be written, not even /tmp."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.serving_model import NAME, made
from tests.api import served_models as models

PROJECT = Path(__file__).parents[2]
NOBODY = 65534
# In a mount namespace of its own, so that nobody else finds the machine read-only. The interpreter may lie where only root
# may look: the one capability that is kept lets a process read, and never write.
CLOSED = """
set -e
mount --bind "$0" "$0"
mount -o remount,bind,ro /
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all,+dac_read_search \
    --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "$@"
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.getuid() != 0 or shutil.which("unshare") is None, reason="only root can become nobody"),
]


@contextmanager
def unprivileged(state: Path, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[httpx.Client]:
    """A server that may write only below `state`, asked as soon as it has told its address."""
    for path in (state, *state.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", CLOSED, str(state), sys.executable, *command],
        cwd=PROJECT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        told = process.stdout.readline().strip()
        assert told, process.communicate()[1]
        with httpx.Client(base_url=told.split()[-1], timeout=60) as client:
            wait_until_ready(client)
            assert f"Uid:\t{NOBODY}\t" in Path(f"/proc/{process.pid}/status").read_text()
            yield client
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
        assert process.returncode == 0, log
        assert not [line for line in log.splitlines() if " ERROR " in line], log
    finally:
        process.kill()
        process.wait()


def wait_until_ready(client: httpx.Client) -> None:
    deadline, told = time.monotonic() + 90, ""
    while time.monotonic() < deadline:
        try:
            answer = client.get("/readyz")
        except httpx.TransportError as error:
            told = str(error)
        else:
            if answer.status_code == 200:
                return
            told = answer.text
        time.sleep(0.05)
    raise AssertionError(told)


def test_a_server_without_privileges_answers_and_writes_only_below_its_own_folder(store: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    shutil.copytree(store, state / "models")
    (state / "models" / "production").write_text("1")
    command = ("-m", "tests.api.run_server", str(state / "home"), "0", str(state / "models"), "2", "0")
    with unprivileged(state, command, {"LAKELINE_SERVE_RATE": "1000"}) as client:
        answer = client.post("/predict", json=models.SETOSA)
        assert (answer.status_code, answer.json()) == (200, {"prediction": 0})


@pytest.mark.long
def test_so_does_the_whole_of_it_from_the_registry_to_the_log_in_delta(tmp_path: Path) -> None:
    state = tmp_path / "state"
    kept = made(state)
    environment = {
        **kept.environment,
        "LAKELINE_HOME": str(state / "home"),
        "LAKELINE_SERVE_MODEL": NAME,
        "LAKELINE_LOG_FLUSH_SECONDS": "1",
    }
    command = ("-m", "api.cli.main", "serve", "--port", "0", "--workers", "2")
    with unprivileged(state, command, environment) as client:
        assert {client.post("/predict", json=models.SETOSA).status_code for _ in range(40)} == {200}
    assert kept.lake.read_arrow("ops.prediction_log").num_rows == 40
