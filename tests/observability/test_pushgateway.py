"""Pushes to a real Pushgateway, which is built once where the machine has none."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from observability.push import push
from tests.observability.test_push import column, measured
from tests.observability.test_push import values as gauges

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program() -> str:
    script = PROJECT / "scripts" / "pushgateway.py"
    found = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=600)
    if found.returncode != 0:
        pytest.skip(found.stderr.splitlines()[-1])
    return found.stdout.strip()


@pytest.fixture
def address(program: str, tmp_path: Path) -> Iterator[str]:
    """A Pushgateway of the test's own, on a port that it chose itself."""
    log = tmp_path / "gateway.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "--web.listen-address=127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        yield f"http://{_listens(log, process)}"
    finally:
        process.terminate()
        process.wait(10)


def _listens(log: Path, process: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            if "Listening on" in line:
                return line.rpartition("address=")[2].strip()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def kept(address: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{address}/metrics", timeout=5) as answer:
        told = gauges(answer.read().decode())
    return {name: value for name, value in told.items() if 'job="model_monitoring"' in name and "push_" not in name}


def test_the_gateway_keeps_the_last_measurement_of_each_model_and_table(address: str) -> None:
    first = measured(column("sepal_length", 0.1, 0.9), column("gone", 0.5, 0.5))
    push(address, first)
    push(address, measured(column("sepal_length", 0.2, 0.8)))
    push(address, replace(first, pair=replace(first.pair, table="gold.others")))
    labels = 'alias="production",instance="",job="model_monitoring",model="iris",table="{}"'
    rows, others = labels.format("gold.rows"), labels.format("gold.others")
    assert kept(address) == {
        f"sepal_length_ks_statistic{{{rows}}}": 0.2,
        f"sepal_length_p_value{{{rows}}}": 0.8,
        f"sepal_length_ks_statistic{{{others}}}": 0.1,
        f"sepal_length_p_value{{{others}}}": 0.9,
        f"gone_ks_statistic{{{others}}}": 0.5,
        f"gone_p_value{{{others}}}": 0.5,
    }
