import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api import served_models as models
from tests.api.running import PROJECT, Running, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with two workers and version 1, which one test after the other does something to; the last one kills it."""
    base = tmp_path_factory.mktemp("workers")
    own = Path(shutil.copytree(store, base / "models"))
    (own / "production").write_text("1")
    with running(base / "home", own, workers=2) as found:
        found.wait(lambda told: told["ready"] is True)
        until(lambda: len(workers(found)) == 2 and metric(found, "lakeline_workers") == 2)
        yield found


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not is_so():
        assert time.monotonic() < deadline, "it did not come so"
        time.sleep(0.05)


def children(server: Running, module: str) -> list[psutil.Process]:
    every = psutil.Process(server.process.pid).children(recursive=True)
    return [process for process in every if module in _words(process)]


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def workers(server: Running) -> list[psutil.Process]:
    return children(server, "tests.api.run_worker")


def anew(server: Running, method: str, path: str) -> httpx.Response:
    """The answer to a request on a connection of its own, so that any worker may give it."""
    with httpx.Client(base_url=server.client.base_url, verify=False, timeout=60) as client:
        return client.request(method, path, json=models.SETOSA if method == "POST" else None)


def metric(server: Running, series: str) -> float:
    """The value of a series; 0 where it is not told."""
    lines = anew(server, "GET", "/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(series)), 0.0)


def ready(server: Running, times: int) -> list[dict[str, object]]:
    return [anew(server, "GET", "/readyz").json() for _ in range(times)]


def ask(server: Running, times: int) -> list[int]:
    return [anew(server, "POST", "/predict").status_code for _ in range(times)]


def test_a_killed_worker_costs_its_own_connections_alone_and_nothing_that_was_counted(server: Running) -> None:
    answered = 'fastapi_requests_total{method="POST",path="/predict",status="200"}'
    assert ask(server, 20) == [200] * 20
    before = metric(server, answered)
    assert before == 20
    first, second = workers(server)
    found: list[int] = []
    ended = threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            try:
                found.extend(ask(server, 1))
            except httpx.TransportError:
                found.append(0)

    asking = threading.Thread(target=go_on, daemon=True)
    asking.start()
    time.sleep(0.3)
    first.kill()
    until(lambda: len(workers(server)) == 2 and metric(server, "lakeline_workers") == 2)
    ended.set()
    asking.join()
    assert second in workers(server)
    assert found.count(0) <= 1
    assert set(found) <= {0, 200}
    # What was in flight when the worker died may be answered and not yet counted, or counted and not answered.
    assert abs(metric(server, answered) - (before + found.count(200))) <= 1
    assert metric(server, 'fastapi_requests_in_progress{method="POST",path="/predict"}') == 0
    until(lambda: metric(server, "lakeline_log_spool_bytes") > 0)
    assert metric(server, "lakeline_log_spool_limit_bytes") == 1 << 30


def test_a_move_of_the_alias_reaches_every_worker_and_each_tells_what_any_refused(server: Running) -> None:
    def info(version: int) -> str:
        return f'lakeline_model_info{{inputs="gold.iris_features@{version + 2}",model="iris_xgboost_classifier",'

    before = metric(server, "lakeline_model_swaps_total")
    server.name(2)
    until(lambda: metric(server, info(2)) == 1 and metric(server, info(1)) == 0)
    assert {told["version"] for told in ready(server, 8)} == {2}
    server.name(3)
    until(lambda: metric(server, 'lakeline_model_refusals_total{model="iris_xgboost_classifier"') == 2)
    told = ready(server, 8)
    assert {each["version"] for each in told} == {2}
    assert all("it was fitted on 5 features" in str(each["refused"]) for each in told)
    assert metric(server, "lakeline_model_swaps_total") == before + 2
    assert ask(server, 8) == [200] * 8


def test_a_killed_resolver_is_started_again_and_follows(server: Running) -> None:
    (resolver,) = children(server, "tests.api.run_resolver")
    resolver.kill()
    server.name(1)
    server.wait(lambda told: told["version"] == 1)


def test_no_process_outlives_a_supervisor_that_was_killed(server: Running) -> None:
    every = psutil.Process(server.process.pid).children(recursive=True)
    assert len(every) == 3
    server.process.kill()
    _, alive = psutil.wait_procs(every, timeout=90)
    assert alive == []
    with pytest.raises(httpx.ConnectError):
        server.predict()


def test_a_canary_is_followed_beside_production_and_ctrl_c_ends_all_at_once(folder: Path, tmp_path: Path) -> None:
    (folder / "production").write_text("1")
    (folder / "staging").write_text("2")
    with running(tmp_path / "home", folder, share="30%") as server:
        told = server.wait(lambda told: told["ready"] is True and told["canary"]["version"] == 2)  # type: ignore[index]
        assert told["canary"] == {"share": 0.3, "version": 2}
        assert metric(server, "lakeline_canary_share") == 0.3
        (folder / "staging").unlink()
        told = server.wait(lambda told: told["canary"]["version"] is None)  # type: ignore[index]
        assert told["canary"]["reason"] == "no version is iris_xgboost_classifier@staging"  # type: ignore[index]
        every = psutil.Process(server.process.pid).children(recursive=True)
        server.client.close()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 0
        assert not any(process.is_running() for process in every)
        assert list((tmp_path / "home" / "serving" / ".runs").iterdir()) == []


def test_a_worker_imports_nothing_that_is_heavy() -> None:
    heavy = {"mlflow", "pyspark", "deltalake", "duckdb", "pyarrow", "airflow", "sklearn", "pandas"}
    code = f"import sys, api.worker; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
