"""Each logged row comes into the lake once, whoever is killed meanwhile, and whatever the lake does."""

import json
import logging
import marshal
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from api.log import frames
from api.log.account import spool_now
from api.log.backlog import depth
from api.log.flush import Flusher
from api.log.line import decode
from api.log.rows import KEY, table_of
from api.log.settings import LogSettings
from api.log.spool import Spool
from assets.graph import Graph
from assets.tending import Tended, Tender
from lakehouse.engine import Transaction
from lakehouse.errors import CommitTaken
from lakehouse.lake import Lake
from registry.models import Models
from tests.api.log.answers import NOON, answered, files, logged, numbers, spooled

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def settings(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> LogSettings:
    monkeypatch.setenv("LAKELINE_LOG_FLUSH_SECONDS", "0.2")
    return LogSettings.from_env()


def flushed(settings: LogSettings) -> int:
    return Flusher(Lake.from_env(), settings).flush()


def python(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def flusher() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts the real command; each one is ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        started.append(python("api.log.flush", *arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def waited(is_so: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.05)
    return False


def test_a_row_is_logged_with_all_that_is_known_of_it(settings: LogSettings) -> None:
    spooled(settings, answered(7))
    assert flushed(settings) == 1
    assert files(settings) == []
    assert logged() == [
        {
            "at": NOON,
            "request_id": "r7",
            "row": 0,
            "model": "iris_xgboost_classifier",
            "version": 3,
            "variant": "production",
            "prediction": 0.0,
            "prediction_text": None,
            "probabilities": [0.9, 0.1],
            "latency_seconds": 0.001,
            "feature_petal_length": 1.4,
            "feature_petal_width": 0.2,
        }
    ]
    (commit,) = Lake.from_env().history(KEY)
    assert commit.stamp
    assert commit.stamp.extra == {"predictions": 1, "answered_by": ["iris_xgboost_classifier@3"]}


def test_the_table_grows_with_the_models_and_a_name_of_another_type_is_another_column(settings: LogSettings) -> None:
    spooled(settings, answered(0))
    flushed(settings)
    house = {"petal_length": "long", "Rooms (all)": 3, "is_new": True, "digits": 10**400, "rest": None}
    spooled(
        settings,
        answered(1, model="houses", version=1, features=house, prediction="dear", probabilities=None),
        answered(2),
        answered(3, model="houses", version=1, features={**house, "petal_length": 2}, prediction=9.5),
    )
    assert flushed(settings) == 3
    rows = logged()
    assert [row["feature_petal_length"] for row in rows] == [1.4, None, 1.4, 2.0]
    assert [row["text_petal_length"] for row in rows] == [None, "long", None, None]
    assert [row["feature_rooms_all"] for row in rows] == [None, 3.0, None, 3.0]
    assert [row["feature_is_new"] for row in rows] == [None, 1.0, None, 1.0]
    assert rows[1]["text_digits"] == str(10**400)
    assert [row["prediction"] for row in rows] == [0.0, None, 0.0, 9.5]
    assert [row["prediction_text"] for row in rows] == [None, "dear", None, None]
    assert rows[1]["probabilities"] is None
    mean = f"SELECT model, avg(feature_petal_length) AS mean FROM {KEY} GROUP BY model ORDER BY model"
    assert Lake.from_env().query(mean).to_pylist() == [
        {"model": "houses", "mean": 2.0},
        {"model": "iris_xgboost_classifier", "mean": 1.4},
    ]


def test_a_table_and_a_spool_from_before_rows_had_a_place_take_rows_that_have_one(settings: LogSettings) -> None:
    spooled(settings, answered(0))
    (segment,) = files(settings)
    found = frames.read(segment.read_bytes())
    assert found
    older = marshal.dumps(marshal.loads(found.records[0])[:-1], 2)
    segment.write_bytes(frames.MAGIC + frames.framed(older))
    Lake.from_env().append(KEY, table_of([decode(older)]).drop_columns(["row"]), metadata="")
    spooled(settings, answered(1), answered(1, row=1))
    assert flushed(settings) == 3
    assert [row["row"] for row in logged("request_id, version, row")] == [None, None, 0, 1]


def test_text_that_is_no_unicode_and_names_that_are_alike_are_logged(settings: LogSettings) -> None:
    spooled(settings, answered(0, features={"a b": "\ud800x", "A_b": 1, "": 2}, variant="\ud800"))
    flushed(settings)
    (row,) = logged("request_id, version, variant, text_a_b, feature_a_b_2, feature_unnamed")
    assert list(row.values())[2:] == ["?", "?x", 1.0, 2.0]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before the commit", "after the commit", "amid the removal"])
def test_a_flusher_that_is_killed_leaves_each_row_once(settings: LogSettings, moment: str) -> None:
    for number in range(3):
        spooled(settings, answered(number))
    dead = python("tests.api.log.dying", "flush", moment)
    dead.communicate(timeout=120)
    assert dead.returncode == -signal.SIGKILL
    assert len(files(settings)) == (2 if moment == "amid the removal" else 3)
    spooled(settings, answered(3))
    assert flushed(settings) == (4 if moment == "before the commit" else 1)
    assert numbers() == [0, 1, 2, 3]
    assert files(settings) == []


@pytest.mark.slow
def test_processes_that_are_killed_at_any_moment_leave_each_row_once(
    settings: LogSettings, flusher: Callable[..., "subprocess.Popen[str]"]
) -> None:
    said: list[str] = []
    for first in (0, 1000, 2000):
        working = flusher()
        workers = [python("tests.api.log.dying", "record", str(first + at), "150", "0.01") for at in (0, 500)]
        said += [line for worker in workers for line in worker.communicate(timeout=120)[0].splitlines()]
        time.sleep(0.1)
        working.kill()
        working.wait()
    spooled(settings, answered(9000))  # so that nothing waits means that it works
    ended = flusher()
    assert waited(lambda: not files(settings))
    ended.send_signal(signal.SIGTERM)
    assert ended.wait(60) == 0
    found = numbers()
    assert len(found) == len(set(found))
    times = {int(number): float(at) for number, at in (line.split() for line in said)}
    for last in (149, 649, 1149, 1649, 2149, 2649):
        mine = {number: at for number, at in times.items() if last - 149 <= number <= last}
        assert set(found) >= {number for number, at in mine.items() if at <= mine[last] - 1.0}


@pytest.mark.slow
def test_a_second_flusher_waits_until_the_first_has_ended_which_commits_all_before_it_does(
    settings: LogSettings, flusher: Callable[..., "subprocess.Popen[str]"]
) -> None:
    first = flusher()
    spooled(settings, answered(0))
    assert waited(lambda: numbers() == [0])
    second = flusher()
    assert not waited(lambda: second.poll() is not None, 2)
    os.kill(first.pid, signal.SIGSTOP)
    spooled(settings, answered(1))
    assert not waited(lambda: numbers() == [0, 1], 2)
    os.kill(first.pid, signal.SIGTERM)
    os.kill(first.pid, signal.SIGCONT)
    assert first.wait(60) == 0
    assert numbers() == [0, 1]
    spooled(settings, answered(2))
    assert waited(lambda: numbers() == [0, 1, 2])


@pytest.mark.slow
def test_a_flusher_ends_with_the_process_that_started_it(settings: LogSettings) -> None:
    start = (
        "import os, subprocess, sys;"
        " command = [sys.executable, '-m', 'api.log.flush', str(os.getpid())];"
        " print(subprocess.Popen(command, stdout=subprocess.DEVNULL).pid)"
    )
    parent = subprocess.run([sys.executable, "-c", start], cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True)
    number = int(parent.stdout)
    assert waited(lambda: not Path(f"/proc/{number}").exists())


@pytest.mark.slow
def test_while_the_lake_is_away_nothing_is_lost(
    settings: LogSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "away"
    place.write_text("no folder")
    monkeypatch.setenv("LAKE_ROOT", str(place))
    ending = threading.Event()
    working = threading.Thread(target=Flusher(Lake.from_env(), settings).run, args=(ending,))
    with caplog.at_level(logging.WARNING, "api.log.flush"):
        working.start()
        for number in range(3):
            spooled(settings, answered(number))
        assert waited(lambda: "predictions stay in the spool" in caplog.text)
    now = spool_now(settings)
    assert (now.segments, now.bytes, now.flushed_rows) == (3, sum(file.stat().st_size for file in files(settings)), 0)
    assert now.oldest_seconds > 0
    assert now.flush_failures > 0
    place.unlink()
    assert waited(lambda: not files(settings))
    ending.set()
    working.join()
    assert numbers() == [0, 1, 2]
    now = spool_now(settings)
    assert (now.segments, now.bytes, now.oldest_seconds, now.flushed_rows) == (0, 0, 0.0, 3)
    spooled(settings, answered(3))
    Flusher(Lake.from_env(), settings).flush()  # another process counts on
    assert (spool_now(settings).flushes, spool_now(settings).flushed_rows) == (now.flushes + 1, 4)


class Refusing:
    """Another lake, which was never logged to and takes nothing."""

    def last_transaction(self, key: str, application: str) -> int:
        return 0

    def append_once(self, key: str, rows: pa.Table, *, metadata: str, transaction: Transaction) -> int:
        raise CommitTaken(key, 0)


def test_a_spool_that_another_lake_refused_for_a_while_loses_nothing(settings: LogSettings) -> None:
    spooled(settings, answered(0), answered(1))
    assert flushed(settings) == 2
    spooled(settings, answered(2))
    assert Flusher(Refusing(), settings).attempt() is None
    assert flushed(settings) == 1
    assert numbers() == [0, 1, 2]


def test_a_segment_of_another_format_is_set_aside_and_stops_no_other(settings: LogSettings) -> None:
    spooled(settings, answered(0))
    (segment,) = files(settings)
    shutil.copy(segment, segment.with_name(f"0{segment.name}"))
    segment.write_bytes(b"PAR1")
    assert flushed(settings) == 1
    assert [path.suffix for path in files(settings)] == [".aside"]
    assert (depth(settings.folder).segments, spool_now(settings).set_aside) == (0, 1)
    assert numbers() == [0]


def attempt(flusher: Flusher) -> None:
    with suppress(CommitTaken):  # the other one made the table, or added columns to it
        flusher.flush()


@pytest.mark.slow
def test_two_machines_log_into_one_table(
    settings: LogSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("LAKELINE_HOME", str(tmp_path / "other"))
    other = LogSettings.from_env()
    both = [Flusher(Lake.from_env(), mine) for mine in (settings, other)]
    for number in range(3):
        spooled(settings, answered(2 * number))
        spooled(other, answered(2 * number + 1, model=f"other_{number}", features={f"f{number}": 1}))
        working = [threading.Thread(target=attempt, args=(each,)) for each in both]
        for thread in working:
            thread.start()
        for thread in working:
            thread.join()
    for each in both:
        each.flush()
    assert numbers() == list(range(6))


def test_a_transaction_is_committed_once_and_its_number_outlives_the_log_it_stands_in(own_home: Path) -> None:
    lake = Lake.from_env()
    assert lake.last_transaction("ops.told", "a") == 0
    for number in (1, 1, 3, 2, 3):
        lake.append_once(
            "ops.told", pa.table({"n": [number]}), metadata="", transaction=Transaction(application="a", number=number)
        )
    lake.append_once("ops.told", pa.table({"m": [9]}), metadata="", transaction=Transaction(application="b", number=1))
    assert lake.query("SELECT n, m FROM ops.told ORDER BY n").to_pylist() == [
        {"n": 1, "m": None},
        {"n": 3, "m": None},
        {"n": None, "m": 9},
    ]
    assert (lake.last_transaction("ops.told", "a"), lake.last_transaction("ops.told", "b")) == (3, 1)


def tended(**options: object) -> Tended:
    lake = Lake.from_env()
    done = Tender(lake, Models.from_env(lake), Graph.of([])).run(KEY, **options)  # type: ignore[arg-type]
    assert done.is_ok
    (table,) = done.tables
    return table


@pytest.mark.slow
def test_upkeep_of_the_log_by_its_name_puts_small_files_together_and_removes_them_later(settings: LogSettings) -> None:
    for number in range(9):
        spooled(settings, answered(number))
        flushed(settings)
    table = tended()
    assert (table.engine, table.compacted.files, table.removed.files) == ("duckdb", 9, 0)
    assert tended().compacted.files == 0
    spooled(settings, answered(9))
    flushed(settings)
    assert numbers() == list(range(10))
    assert tended(grace=timedelta(0)).removed.files == 9
    spooled(settings, answered(10))
    flushed(settings)
    assert numbers() == list(range(11))


@pytest.mark.slow
@pytest.mark.long
def test_flushers_that_are_killed_again_and_again_while_rows_come_leave_each_row_once(
    settings: LogSettings, flusher: Callable[..., "subprocess.Popen[str]"]
) -> None:
    dice = random.Random(6)
    spool, ending, written = Spool(settings), threading.Event(), 0
    spool.start()

    def answer() -> None:
        nonlocal written
        while not ending.wait(0.002):
            spool.record(answered(written))
            written += 1

    answering = threading.Thread(target=answer)
    answering.start()
    log = Path(Lake.from_env().location(KEY).uri, "_delta_log")
    for _ in range(12):
        before = len(list(log.glob("*.json")))
        working = flusher()
        assert waited(lambda before=before: len(list(log.glob("*.json"))) > before)  # type: ignore[misc]
        time.sleep(dice.uniform(0.0, 1.5))
        working.kill()
        working.wait()
    ending.set()
    answering.join()
    spool.stop()
    while files(settings):
        flushed(settings)
    assert spool.dropped == 0
    assert numbers() == list(range(written))


@pytest.mark.slow
@pytest.mark.long
def test_upkeep_beside_a_flusher_leaves_each_row_once_whichever_of_the_two_is_killed(
    settings: LogSettings, flusher: Callable[..., "subprocess.Popen[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKELINE_LOG_FLUSH_IDLE_SECONDS", "0.2")
    dice = random.Random(9)
    spool, ending, written = Spool(settings), threading.Event(), 0
    spool.start()

    def answer() -> None:
        nonlocal written
        while not ending.wait(0.005):
            spool.record(answered(written))
            written += 1

    answering = threading.Thread(target=answer)
    answering.start()
    lake = Lake.from_env()
    compacted = 0
    for turn in range(8):
        before = len(lake.history(KEY))
        working = flusher()
        assert waited(lambda before=before: len(lake.history(KEY)) > before + 8)  # type: ignore[misc]
        tending = python("api.cli.main", "upkeep", KEY, "--older-than", "0h", "--json")
        if turn % 2:
            time.sleep(dice.uniform(0.5, 3.0))
            tending.kill()
            tending.communicate()
            working.kill()
        else:
            out, err = tending.communicate(timeout=120)
            assert tending.returncode == 0, err
            (table,) = json.loads(out)["tables"]
            compacted += table["compacted"]["files"]
            working.kill()
        working.wait()
    ending.set()
    answering.join()
    spool.stop()
    while files(settings):
        flushed(settings)
    assert tended(grace=timedelta(0)).lost == ()
    assert compacted > 8
    assert spool.dropped == 0
    assert numbers() == list(range(written))
