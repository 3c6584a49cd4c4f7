import os
from pathlib import Path

from lakehouse.arrivals import arrived, digest, listed
from lakehouse.files import FileFacts
from lakehouse.landing import QUIET_SECONDS

NOW = 1_700_000_000.0


def facts(size: int = 1, age: float = 60) -> FileFacts:
    return FileFacts(size=size, changed=NOW - age)


def put(folder: Path, name: str, text: str = "a", age: float = 60) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (NOW - age, NOW - age))


def test_whole_files_under_the_pattern_are_listed(tmp_path: Path) -> None:
    put(tmp_path, "orders/a.csv", "abc")
    put(tmp_path, "orders/.b.csv.part")
    put(tmp_path, "orders/c.txt")
    put(tmp_path, "others/d.csv")
    (tmp_path / "orders/e.csv").mkdir()
    assert listed(tmp_path, "orders/*.csv", NOW) == {"orders/a.csv": facts(3)}
    assert listed(tmp_path / "none", "*.csv", NOW) == {}


def test_a_file_that_was_just_written_to_waits(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", age=QUIET_SECONDS / 2)
    assert listed(tmp_path, "*.csv", NOW) == {}
    assert list(listed(tmp_path, "*.csv", NOW + QUIET_SECONDS)) == ["a.csv"]


def test_a_file_of_a_clock_that_goes_ahead_does_not_wait_for_ever(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", age=-3600)
    assert list(listed(tmp_path, "*.csv", NOW)) == ["a.csv"]


def test_files_that_came_and_files_that_changed_are_new() -> None:
    before = {"a": facts(), "b": facts()}
    now = {"a": facts(), "b": facts(2, age=5), "c": facts(age=9), "d": facts(age=1)}
    assert arrived(now, digest(before), before) == ("d", "b", "c")


def test_nothing_is_new_where_files_only_went() -> None:
    before = {"a": facts(), "b": facts()}
    assert arrived({"a": facts()}, digest(before), before) == ()


def test_after_a_restart_the_digest_tells_whether_anything_is_new() -> None:
    files = {"a": facts(), "b": facts(age=5)}
    assert arrived(files, digest(dict(reversed(files.items()))), None) == ()
    assert arrived(files, digest({"a": facts()}), None) == ("b", "a")


def test_all_is_new_at_the_first_look_and_an_empty_folder_is_not() -> None:
    assert arrived({"a": facts()}, None, None) == ("a",)
    assert arrived({}, None, None) == ()
