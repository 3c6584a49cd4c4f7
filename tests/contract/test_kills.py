"""A merge that is killed at any moment happened whole or not at all, and the next goes on from there."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakehouse.lake import Lake
from tests.contract.conftest import KEY, Bench
from tests.contract.merging import change

PROJECT = Path(__file__).parents[2]


@pytest.mark.slow
def test_promise_5_a_merge_that_is_killed_is_made_once(own_home: Path) -> None:
    """Promise 5: a retry after a crash at any point writes once."""
    dice = random.Random(5)
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.merging"], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout
        assert child.stdout.readline() == "merged\n"
        time.sleep(dice.uniform(0, 0.5))
        child.kill()
        child.wait()
        child.stdout.close()
    bench = Bench(Lake.from_env(), "duckdb")
    merged = [commit.stamp.sequence for commit in bench.lake.history(KEY) if commit.stamp]
    assert merged == list(range(1, len(merged) + 1))
    expected: dict[object, object] = {}
    for sequence in merged:
        for row in change(sequence).to_pylist():
            expected.pop(row["id"], None)
            if row["x"] % 5:
                expected[row["id"]] = row["x"]
    assert {row["id"]: row["x"] for row in bench.rows()} == expected
