"""What is answered is kept on the disk: whole, in time, within a limit, and without what is nobody's business."""

import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.multiprocess import MultiProcessCollector

from api.log import frames
from api.log.backlog import depth
from api.log.flush import Flusher
from api.log.line import decode, encoder
from api.log.privacy import Privacy
from api.log.settings import LogSettings
from api.log.spool import Spool
from lakehouse.errors import BadSetting
from lakehouse.lake import Lake
from tests.api.log.answers import answered, files, logged, numbers, spooled

PROJECT = Path(__file__).parents[3]
RECORDS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@pytest.fixture
def settings(own_home: Path) -> LogSettings:
    return LogSettings.from_env()


def flushed(settings: LogSettings) -> int:
    return Flusher(Lake.from_env(), settings).flush()


def dying(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.api.log.dying", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)


@given(records=RECORDS, data=st.data())
def test_a_file_that_ends_anywhere_or_has_a_wrong_byte_keeps_all_records_before_that(
    records: list[bytes], data: st.DataObject
) -> None:
    whole = frames.MAGIC + b"".join(map(frames.framed, records))
    assert frames.read(whole) == frames.Read(records=tuple(records))
    end = data.draw(st.integers(0, len(whole)))
    cut = frames.read(whole[:end] + b"\0" * data.draw(st.integers(0, 20)))
    assert cut is not None
    assert cut.records[:-1] == tuple(records)[: len(cut.records)][:-1]
    assert cut.records == tuple(records)[: len(cut.records)]
    place = data.draw(st.integers(len(frames.MAGIC), len(whole)))
    if place < len(whole):
        broken = frames.read(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        assert broken is not None
        assert broken.records == tuple(records)[: len(broken.records)]
        assert broken.torn_bytes > 0


def test_a_file_of_another_kind_is_told_from_a_torn_one() -> None:
    assert frames.read(b"PAR1 and so on") is None
    assert frames.read(b"") == frames.Read(records=(), torn_bytes=0)
    assert frames.read(frames.MAGIC[:4]) == frames.Read(records=(), torn_bytes=4)


@given(
    features=st.dictionaries(
        st.text(), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
    ),
    prediction=st.one_of(st.integers(), st.floats(allow_nan=False), st.text()),
)
def test_a_row_is_read_as_it_was_written(features: dict[str, object], prediction: object) -> None:
    line = decode(encoder(Privacy())(answered(features=features, prediction=prediction)))
    assert (line.features, line.prediction, line.at) == (features, prediction, 1_780_315_200_123_456)


def test_numbers_of_numpy_are_numbers_and_what_is_neither_number_nor_text_is_text() -> None:
    given = {"a": np.float32(0.5), "b": np.int64(2), "c": np.bool_(True), "d": [1], "e": np.str_("x")}
    line = decode(encoder(Privacy())(answered(features=given, probabilities=np.array([0.25, 0.75], np.float32))))
    assert line.features == {"a": 0.5, "b": 2, "c": True, "d": "[1]", "e": "x"}
    assert line.probabilities == [0.25, 0.75]


def test_a_torn_end_costs_the_torn_row_alone(settings: LogSettings) -> None:
    spooled(settings, *map(answered, range(3)))
    (segment,) = files(settings)
    segment.write_bytes(segment.read_bytes()[:-1])
    assert flushed(settings) == 2
    assert numbers() == [0, 1]


def test_a_full_spool_counts_what_it_drops_and_takes_rows_again_when_the_lake_has_the_others(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKELINE_LOG_SPOOL_BYTES", str(1 << 16))
    settings = LogSettings.from_env()
    spool = spooled(settings, *map(answered, range(1000)))
    kept = spool.recorded
    assert 100 < kept == 1000 - spool.dropped
    assert depth(settings.folder).bytes <= (1 << 16) + len(frames.MAGIC)
    assert spooled(settings, answered(2000)).dropped == 1
    assert flushed(settings) == kept
    assert depth(settings.folder).bytes == 0
    assert spooled(settings, answered(2000)).dropped == 0
    flushed(settings)
    assert numbers() == [*range(kept), 2000]


@pytest.mark.slow
def test_what_workers_dropped_is_told_of_all_together_also_after_they_were_killed(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAKELINE_LOG_SPOOL_BYTES", str(1 << 16))
    dropped = [int(dying("drop", str(tmp_path), slot).stdout) for slot in ("0", "1", "0")]
    assert all(dropped)
    told = MultiProcessCollector.merge([str(file) for file in tmp_path.glob("*.db")])
    rows = [sample for metric in told for sample in metric.samples if sample.name == "lakeline_log_dropped_rows_total"]
    counted = {sample.labels["reason"]: sample.value for sample in rows}
    assert counted == {"full": sum(dropped), "disk": 0, "unwritable": 0}


@pytest.mark.slow
def test_a_disk_that_takes_half_a_row_loses_that_row_and_none_before_it(settings: LogSettings) -> None:
    said = dying("full", "700")
    dropped = int(said.stdout)
    assert 0 < dropped < 10
    assert "the disk takes no predictions" in said.stderr
    assert flushed(settings) == 10 - dropped
    assert numbers() == list(range(10 - dropped))


@pytest.mark.slow
def test_with_every_nothing_that_was_recorded_is_lost_by_a_kill(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKELINE_LOG_SYNC", "every")
    dying("record", "0", "5", "0")
    assert flushed(LogSettings.from_env()) == 5
    assert numbers() == list(range(5))


@pytest.mark.slow
def test_with_second_a_kill_takes_what_was_recorded_in_the_last_second_at_most(settings: LogSettings) -> None:
    said = dying("record", "0", "300", "0.005").stdout.split()
    times = dict(zip(map(int, said[::2]), map(float, said[1::2]), strict=True))
    flushed(settings)
    found = numbers()
    assert found == list(range(len(found)))
    assert set(found) >= {number for number, at in times.items() if at <= times[299] - 1.0}


def test_personal_features_are_hashed_with_a_key_or_left_out_and_never_on_the_disk(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKELINE_LOG_HASHED", "customer, age")
    monkeypatch.setenv("LAKELINE_LOG_LEFT_OUT", "name")
    with pytest.raises(BadSetting, match="LAKELINE_LOG_HASH_KEY"):
        LogSettings.from_env()
    monkeypatch.setenv("LAKELINE_LOG_HASH_KEY", "0123456789abcdef")
    settings = LogSettings.from_env()
    assert "0123456789abcdef" not in repr(settings)
    given = {"customer": "Ada Lovelace", "age": None, "name": "Ada", "petal_width": 0.2}
    spooled(settings, answered(0, features=given), answered(1, features=given))
    (segment,) = files(settings)
    assert b"Ada" not in segment.read_bytes()
    flushed(settings)
    one, two = logged("request_id, version, COLUMNS('.*_(customer|age|name|petal_width)')")
    assert one["hashed_customer"] == two["hashed_customer"]
    assert len(str(one["hashed_customer"])) == 32
    told = {name: value for name, value in one.items() if name not in {"request_id", "version", "hashed_customer"}}
    assert told == {"hashed_age": None, "feature_petal_width": 0.2}


def test_where_a_hidden_name_is_no_feature_of_a_model_none_of_its_features_is_logged_and_it_is_said_once(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LAKELINE_LOG_LEFT_OUT", "custmer, age?")
    settings, given = LogSettings.from_env(), {"customer": "Ada Lovelace", "age": 36}
    known = ("customer", "age")
    spool = spooled(settings, *(answered(number, features=given, known=known) for number in range(3)))
    assert (spool.recorded, spool.withheld) == (3, 3)
    assert caplog.text.count("no feature is logged") == 1
    assert "name 'custmer', and it takes customer, age" in caplog.text
    (segment,) = files(settings)
    assert b"Ada" not in segment.read_bytes()
    # A value that a request may leave out is a feature all the same.
    spool = spooled(settings, answered(3, features={"age": 36, "zip": 1}, known=("custmer", "age", "zip")))
    assert spool.withheld == 0
    spool = spooled(settings, answered(4, version=4, features={"zip": 2}, known=("custmer", "zip")))
    assert spool.withheld == 0
    flushed(settings)
    assert [row["feature_zip"] for row in logged("request_id, version, feature_zip")] == [None, None, None, 1.0, 2.0]
    assert not any(name.endswith("age") for name in logged()[0])


def test_a_row_that_cannot_be_written_is_counted_and_the_request_goes_on(settings: LogSettings) -> None:
    spool = spooled(settings, answered(0, at=None), answered(1))
    assert (spool.recorded, spool.dropped) == (1, 1)


def test_a_spool_that_runs_hands_its_segments_over_by_itself(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_LOG_FLUSH_SECONDS", "0.2")
    settings = LogSettings.from_env()
    spool = Spool(settings)
    spool.start()
    spool.record(answered())
    deadline = time.monotonic() + 30
    while not depth(settings.folder).oldest_seconds and time.monotonic() < deadline:
        time.sleep(0.02)
    assert flushed(settings) == 1
    spool.stop()


def test_infinity_and_nan_are_logged_as_they_are(settings: LogSettings) -> None:
    spooled(settings, answered(features={"petal_length": math.inf}, prediction=math.nan))
    flushed(settings)
    (row,) = logged("request_id, version, feature_petal_length, prediction")
    assert row["feature_petal_length"] == math.inf
    assert math.isnan(float(str(row["prediction"])))
