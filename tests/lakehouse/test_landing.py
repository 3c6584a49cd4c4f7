import io
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.delimited import Malformed, parse
from lakehouse.landing import NotLandable, land, observe, set_aside, take

NOW = datetime(2026, 1, 2, tzinfo=UTC)
COLUMNS = ("id", "name")


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def put_quiet(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path

    return put_quiet


def test_rows_come_with_their_file_their_row_and_their_time(
    tmp_path: Path, put: Callable[[str, str | bytes], Path]
) -> None:
    put("a.csv", 'name,id\n"one, 1",1\ntwo,2\n')
    seen = observe(tmp_path, "*.csv")
    taken = take(tmp_path, seen.files, COLUMNS, NOW)
    assert taken.rows.to_pylist() == [
        {
            "id": i,
            "name": n,
            "source_file": "a.csv",
            "source_row": r,
            "source_hash": seen.files[0].content,
            "taken_at": NOW,
        }
        for i, n, r in (("1", "one, 1", 1), ("2", "two", 2))
    ]


def test_a_renamed_copy_is_the_same_file(tmp_path: Path, put: Callable[[str, str | bytes], Path]) -> None:
    put("a.csv", "id,name\n1,x\n")
    put("b.csv", "id,name\n1,x\n")
    assert [file.name for file in observe(tmp_path, "*.csv").files] == ["a.csv"]


def test_hidden_and_partly_landed_files_are_not_seen(tmp_path: Path, put: Callable[[str, str | bytes], Path]) -> None:
    put(".a.csv", "id,name\n")
    put(".b.csv.12.part", "id,na")
    assert observe(tmp_path, "*").files == ()


def test_a_file_that_is_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    growing = tmp_path / "a.csv"
    growing.write_text("id,name\n1,x\n")

    def write_on(seconds: float) -> None:
        assert 0 < seconds <= 2
        with growing.open("a") as file:
            file.write("2,y\n")

    seen = observe(tmp_path, "*.csv", sleep=write_on)
    assert seen.files == ()
    assert seen.growing == ("a.csv",)


def test_a_quiet_file_is_not_waited_for_and_a_known_one_is_not_read_again(
    tmp_path: Path, put: Callable[[str, str | bytes], Path]
) -> None:
    path = put("a.csv", "id,name\n1,x\n")
    started = time.monotonic()
    known = observe(tmp_path, "*.csv").files
    path.chmod(0)
    path.write_bytes(path.read_bytes()[::-1]) if os.access(path, os.R_OK) else None
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert observe(tmp_path, "*.csv", known).files == known
    assert time.monotonic() - started < 1


def test_a_file_that_changed_after_it_was_seen_is_neither_taken_nor_rejected(
    tmp_path: Path, put: Callable[[str, str | bytes], Path]
) -> None:
    path = put("a.csv", "id,name\n1,x\n")
    seen = observe(tmp_path, "*.csv")
    path.write_text("id,name\n1,x\n2,y\n")
    taken = take(tmp_path, seen.files, COLUMNS, NOW)
    assert taken.rows.num_rows == 0
    assert taken.files == ()
    assert taken.rejected == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is empty"),
        ("id;name\n1;x\n", "header"),
        ("id,name,more\n", "header"),
        ("id,name\n1\n", "line 2 has 1 fields, wanted 2"),
        ("id,name\n1,x\n2,y,z\n", "line 3 has 3 fields, wanted 2"),
        ('id,name\n1,"x\n', "is no CSV"),
        (b"id,name\n1,\xff\xfe\n", "line 2 is not UTF-8"),
        (b"PK\x03\x04\x00\x00", "NUL"),
        ("id,name\n1," + "x" * 200_000 + "\n", "field larger"),
        ("id,name\n1,x\n" + "1," * 600_000 + "\n", "line 3 is longer than 1000000 characters"),
        ('id,name\n1,"' + "x\n" * 100_000, "field larger"),
        ("id,name\n" + "1,x\n" * 5_000 + "1", "line 5002 has 1 fields"),
        ("id,name\n1,x\n".encode("utf-16"), "line 1 is not UTF-8"),
        ("id,name\n1,x\n".encode("utf-16-le"), "line 1 has a NUL byte"),
        (b"id,name\n" + b"1,x\n" * 5_000 + b"1,\xe9\n", "line 5002 is not UTF-8"),
        (b"\n \n\n", "header"),
        (b"\n\n", "it is empty"),
    ],
)
def test_a_malformed_file_is_set_aside_with_its_reason_and_the_good_ones_go_on(
    tmp_path: Path, put: Callable[[str, str | bytes], Path], content: str | bytes, reason: str
) -> None:
    put("bad.csv", content)
    put("good.csv", "id,name\n1,x\n")
    seen = observe(tmp_path, "*.csv")
    taken = take(tmp_path, seen.files, COLUMNS, NOW)
    bad = next(file for file in seen.files if file.name == "bad.csv")
    assert taken.rows.num_rows == 1
    assert reason in taken.rejected[bad.content]
    kept = set_aside(tmp_path, bad, tmp_path / "aside", taken.rejected[bad.content])
    assert kept.read_bytes() == (tmp_path / "bad.csv").read_bytes()
    assert reason.split(maxsplit=1)[0] in (tmp_path / "aside" / f"{kept.name}.reason.json").read_text()


def test_a_byte_order_mark_and_blank_lines_are_no_fault() -> None:
    assert parse(io.BytesIO(b"\xef\xbb\xbfid,name\r\n1,x\r\n\r\n"), COLUMNS) == [("1", "x")]


@given(st.binary(max_size=200))
def test_law_any_bytes_are_rows_or_malformed(content: bytes) -> None:
    try:
        rows = parse(io.BytesIO(content), COLUMNS)
    except Malformed:
        return
    assert all(len(row) == 2 for row in rows)


def test_landing_is_one_step_and_the_same_content_lands_once(tmp_path: Path) -> None:
    source = tmp_path / "flowers.csv"
    source.write_text("id,name\n1,x\n")
    folder = tmp_path / "landing"
    first = land(source, folder)
    assert land(source, folder) == first
    source.write_text("id,name\n2,y\n")
    second = land(source, folder)
    assert second.name == "flowers-2.csv"
    assert sorted(path.name for path in folder.iterdir()) == ["flowers-2.csv", "flowers.csv"]
    assert first.read_text() == "id,name\n1,x\n"


def test_what_is_no_file_is_not_landed(tmp_path: Path) -> None:
    with pytest.raises(NotLandable, match="not a file"):
        land(tmp_path / "nothing.csv", tmp_path / "landing")
