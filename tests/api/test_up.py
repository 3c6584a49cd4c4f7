"""`lakeline up` and `lakeline down` with a real Airflow, as a person uses them."""

import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from api.local import record
from api.local.ports import free_port
from lakehouse import spark_server
from lakehouse.settings import LakeSettings
from lakehouse.spark_command import files
from tests.api.terminal import LAKELINE, lakeline

pytestmark = pytest.mark.slow

SLOW = '''
import time

import pyarrow as pa

from assets import Materialize, asset, job


@asset("bronze.slow_rows", engine="duckdb", automation="manual")
def slow_rows():
    """Rows that take their time."""
    time.sleep(6)
    return pa.table({"id": [1, 2]})


slow = job("slow_dag", steps=[Materialize("bronze.slow_rows")])
'''


@dataclass(slots=True)
class Home:
    """A folder in which somebody works, and what was started there."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def settings(self) -> dict[str, str]:
        return {
            "LAKELINE_HOME": ".lakeline",
            "LAKELINE_DEFINITIONS": "slow",
            "LAKELINE_UP_AIRFLOW_PORT": str(self.port),
        }

    def up(self, parts: str = "airflow", **more: str) -> str:
        """Starts it in a terminal of its own; what it said once it is ready."""
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [LAKELINE, "up", "--only", parts],
                cwd=self.folder,
                env={**os.environ, **self.settings, **more},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        deadline = time.monotonic() + 300
        while "ready;" not in (self.folder / "out").read_text():
            assert self.process.poll() is None, (self.folder / "err").read_text()
            assert time.monotonic() < deadline, (self.folder / "err").read_text()
            time.sleep(0.1)
        return (self.folder / "out").read_text()

    def told(self) -> str:
        """What it told while it worked, and of its state."""
        return (self.folder / "err").read_text()

    def wait_until_said(self, words: str) -> None:
        """Returns once it has told something."""
        deadline = time.monotonic() + 90
        while words not in self.told():
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.1)

    def down(self) -> str:
        """Ends it from another terminal; what that said."""
        said = lakeline("down", folder=self.folder, **self.settings)
        assert said.code == 0, said.err
        return said.out.strip()

    def processes(self) -> list[psutil.Process]:
        """All that runs of it, by the sessions that it began."""
        kept = record.read(self.folder / ".lakeline" / "up")
        assert kept is not None
        sessions = {kept.pid, *(each.pid for each in kept.started)}
        return [process for process in psutil.process_iter() if session(process.pid) in sessions]

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Airflow's API, entered with the password that is kept."""
        passwords = json.loads((self.folder / ".lakeline" / "airflow" / "passwords.json").read_text())
        client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)
        token = client.post("/auth/token", json={"username": "admin", "password": passwords["admin"]}).json()
        client.headers["Authorization"] = f"Bearer {token['access_token']}"
        yield client
        client.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    (tmp_path / "slow.py").write_text(SLOW)
    try:
        yield made
    finally:
        lakeline("down", "--now", folder=tmp_path, **made.settings)
        if made.process is not None:
            made.process.kill()
            made.process.wait()


@pytest.mark.long
def test_a_platform_comes_up_goes_down_and_goes_on_where_it_was(home: Home) -> None:
    said = home.up()
    passwords = home.folder / ".lakeline" / "airflow" / "passwords.json"
    assert f"http://127.0.0.1:{home.port}" in said
    assert json.loads(passwords.read_text())["admin"] in said
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert stat.S_IMODE((home.folder / ".lakeline" / "airflow" / "secrets.json").stat().st_mode) == 0o600
    started = home.processes()
    listening = {each.laddr for process in started for each in process.net_connections() if each.status == "LISTEN"}
    assert {address.ip for address in listening} == {"127.0.0.1"}
    with home.client() as airflow:
        assert airflow.get("/api/v2/importErrors").json()["total_entries"] == 0
        wait_for(airflow, "/api/v2/dags/slow_dag", "is_paused", False)
    again = lakeline("up", "--only", "airflow", folder=home.folder, **home.settings)
    assert again.code == 0
    assert "it runs already" in again.out
    with home.client() as airflow:
        answer = airflow.post("/api/v2/dags/slow_dag/dagRuns", json={"logical_date": None})
        assert answer.status_code == 200, answer.text
        run = answer.json()["dag_run_id"]
        task = f"/api/v2/dags/slow_dag/dagRuns/{run}/taskInstances/bronze.slow_rows"
        wait_for(airflow, task, "state", "running")
    assert home.down() == "all has ended"
    assert home.process is not None
    assert home.process.wait(10) == 0
    assert left(started) == []
    assert home.down() == "nothing was running"

    with (home.folder / "slow.py").open("a") as definitions:
        definitions.write('wrong = job("wrong_dag", steps=[Materialize("bronze.slow_row")])\n')
    home.up()
    with home.client() as airflow:
        told = airflow.get(task).json()
        assert (told["state"], told["try_number"]) == ("success", 1)  # it was waited for
    home.wait_until_said("1 DAG file cannot be read")
    assert "Airflow cannot read platform_dags.py: assets.errors.BadOption: slow.py:" in home.told()
    started = home.processes()
    os.kill(home.process.pid, signal.SIGKILL)
    home.process.wait()
    assert len(left(started)) >= 4
    assert home.down() == "all has ended"
    assert left(started) == []


def test_a_taken_port_is_named_before_anything_starts(home: Home) -> None:
    with socket.create_server(("127.0.0.1", home.port)):
        said = lakeline("up", "--only", "airflow", folder=home.folder, **home.settings)
    assert said.code == 2
    assert f"port {home.port} of Airflow is held by process {os.getpid()}" in said.err
    assert not (home.folder / ".lakeline" / "airflow" / "airflow.db").exists()


def test_a_part_that_there_is_not_is_refused(home: Home) -> None:
    said = lakeline("up", "--only", "airflow,kafka", folder=home.folder, **home.settings)
    assert (said.code, said.out) == (2, "")
    assert "no part 'kafka'" in said.err


def test_a_spark_server_that_ran_before_outlives_the_platform(home: Home) -> None:
    port = free_port()
    settings = {**home.settings, "LAKELINE_UP_SPARK_PORT": str(port)}
    assert f"127.0.0.1:{port}" in home.up("spark", LAKELINE_UP_SPARK_PORT=str(port))
    heals_spark_and_waits_for_nothing(home)
    assert home.down() == "all has ended"
    assert lakeline("spark", "status", "--json", folder=home.folder, **settings).json["running"] is False
    assert lakeline("spark", "start", folder=home.folder, **settings).code == 0
    before = lakeline("spark", "status", "--json", folder=home.folder, **settings).json
    assert before["port"] != port
    try:
        assert f"127.0.0.1:{before['port']}" in home.up("spark", LAKELINE_UP_SPARK_PORT=str(port))
        assert home.down() == "all has ended"
        assert lakeline("spark", "status", "--json", folder=home.folder, **settings).json == before
    finally:
        lakeline("spark", "stop", folder=home.folder, **settings)


def heals_spark_and_waits_for_nothing(home: Home) -> None:
    """Kills Spark while another command seems to start it: the platform says so, and goes on once that has ended."""
    lake = LakeSettings(lakeline_home=home.folder / ".lakeline")
    server = spark_server.process(lake)
    assert server is not None
    with files(lake).lock.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.kill()
        home.wait_until_said("no answer from Spark; Spark restarted 1x")
    home.wait_until_said("all ready; Spark restarted 1x")


def wait_for(airflow: httpx.Client, path: str, name: str, value: object) -> None:
    deadline = time.monotonic() + 90
    while airflow.get(path).json().get(name) != value:
        assert time.monotonic() < deadline, airflow.get(path).text
        time.sleep(0.1)


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
