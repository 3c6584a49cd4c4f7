"""Two processes run the same assets at the same time: each version is committed once."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.conftest import ON_DUCKDB, ON_SPARK
from tests.crash.killing import Command, finished
from tests.crash.ledger import Ledger
from tests.journey import raw_lake
from tests.journey.workplace import Workplace

HARMLESS = {"made", "adopted", "fresh", "skipped", "CommitTaken"}


def race(ledger: Ledger, rounds: int, folder: Path) -> list[dict[str, str]]:
    """What came of each asset, in each round of each process."""
    sides = [folder / "one", folder / "two"]
    for side in sides:
        side.mkdir(parents=True)
    commands = [
        Command(ledger.place, ("-m", "tests.crash.two_at_once", str(me), str(other), str(rounds)))
        for me, other in (sides, sides[::-1])
    ]
    for number in range(rounds):
        ledger.land()
        (folder / f"{number}.landed").touch()
        deadline = time.monotonic() + 300
        while not all((side / f"{number}.done").exists() for side in sides):
            assert time.monotonic() < deadline, [command.kill_after(0) for command in commands]
            time.sleep(0.01)
    ended = [command.wait() for command in commands]
    assert all(each.code == 0 for each in ended), ended
    return [json.loads(line) for each in ended for line in each.out.splitlines()]


def examine(ledger: Ledger, outcomes: list[dict[str, str]]) -> None:
    told = {word for outcome in outcomes for word in outcome.values()}
    assert told <= HARMLESS, told
    finished(ledger.place, "run", "+gold.sized")
    ledger.examine_tables()
    fingerprints = [
        (commit.asset, json.dumps([commit.metadata["code"], commit.inputs], sort_keys=True))
        for commit in raw_lake.commits(ledger.lake)
        if not commit.table.startswith("quarantine.")
    ]
    assert len(fingerprints) == len(set(fingerprints)), "one content was committed twice"


@pytest.mark.slow
def test_promise_5_two_processes_that_run_the_same_line_commit_each_version_once(
    workplace: Callable[..., Workplace], tmp_path: Path
) -> None:
    ledger = Ledger(place=workplace(ON_DUCKDB))
    examine(ledger, race(ledger, 20, tmp_path / "race"))


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.long)])
def test_promise_5_on_spark_two_processes_commit_each_version_once(
    workplace: Callable[..., Workplace], tmp_path: Path, spark_remote: str, rounds: int
) -> None:
    ledger = Ledger(place=workplace(ON_SPARK, SPARK_REMOTE=spark_remote))
    examine(ledger, race(ledger, rounds, tmp_path / "race"))
