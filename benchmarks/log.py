"""Reading Delta logs: a plan of many tables, and the history of one with many commits, against delta-rs."""

import shutil
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import deltalake

from benchmarks.claim import Claim
from benchmarks.made_lake import write_definitions, write_lake, write_table
from benchmarks.timing import median, once
from lakehouse.files import LocalFiles
from lakehouse.history import read_history
from lakehouse.recall import Recall
from lakehouse.table import Location

_TABLES, _COMMITS, _LONG = 1_000, 100, 5_000
_COLD_SECONDS, _AGAIN_SECONDS = 3.0, 1.0
_TIMES = 5
_MEGABYTES = 0.5


def claims(folder: Path) -> Iterator[Claim]:
    """Measures against a lake that is made in the folder; asks for no Spark."""
    folder.mkdir(parents=True, exist_ok=True)
    yield from _plans(folder)
    table = folder / "long"
    write_table(table, "silver.long", "long", _LONG, {})
    yield _history(table)
    yield _memory(folder, table)


def _plans(folder: Path) -> Iterator[Claim]:
    """The whole command, from its start: once with nothing remembered, and then with nothing new."""
    home = folder / ".lakeline"
    write_lake(home / "lake", _TABLES, _COMMITS)
    write_definitions(folder, _TABLES)
    environment = {"LAKELINE_HOME": str(home), "LAKELINE_DEFINITIONS": "made_lake_definitions"}
    cold = []
    for _ in range(3):
        shutil.rmtree(home / "cache", ignore_errors=True)
        cold.append(once(("plan",), folder, environment))
    yield Claim(name="plan-1000-tables-cold", measured=statistics.median(cold), target=_COLD_SECONDS, unit="s")
    again = median(("plan",), folder, environment, times=5)
    yield Claim(name="plan-1000-tables-again", measured=again, target=_AGAIN_SECONDS, unit="s")


def _history(table: Path) -> Claim:
    """Both sides read the same log by turns, in seconds of the processor; delta-rs has the checkpoint that it would write."""
    deltalake.DeltaTable(table).create_checkpoint()
    ours, theirs = [], []
    for _ in range(_TIMES):
        ours.append(_seconds(lambda: len(read_history(LocalFiles(), Location(uri=str(table))))))
        theirs.append(_seconds(lambda: len(deltalake.DeltaTable(table).history())))
    parts = {"lakeline": min(ours), "delta-rs": min(theirs)}
    return Claim(
        name="history-5000-commits-against-delta-rs",
        measured=parts["lakeline"] / parts["delta-rs"],
        target=1.0,
        unit="x",
        parts=parts,
    )


def _memory(folder: Path, table: Path) -> Claim:
    """What a plan holds at most while it reads a log, for each thousand commits that the log has more."""
    few = folder / "few"
    write_table(few, "silver.few", "few", 1_000, {})
    grown = _peak(folder, table, "silver.long") - _peak(folder, few, "silver.few")
    return Claim(
        name="memory-per-1000-commits", measured=grown / (_LONG / 1000 - 1) / 1e6, target=_MEGABYTES, unit="MB"
    )


def _peak(folder: Path, table: Path, key: str) -> int:
    recall = Recall(folder / "nothing-known", key)
    tracemalloc.start()
    try:
        recall.present(LocalFiles(), Location(uri=str(table)), key)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _seconds(read: Callable[[], int]) -> float:
    started = time.process_time()
    read()
    return time.process_time() - started
