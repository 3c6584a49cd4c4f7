import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lakehouse.errors import LogUnreadable
from lakehouse.files import LocalFiles
from lakehouse.lake import Lake
from lakehouse.present import Present
from lakehouse.recall import FORMAT, Recall
from lakehouse.stamp import InputVersion, Stamp
from lakehouse.table import Location
from tests.lakehouse.written_log import added, commit, described, info, removed

KEY = "silver.t"


class Counting(LocalFiles):
    """Files that count what is read of them."""

    def __init__(self) -> None:
        self.read_names: list[str] = []

    def read_each(self, folder: Location, names: Sequence[str]) -> Iterator[bytes]:
        self.read_names += names
        return super().read_each(folder, names)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table of three stamped commits."""
    path = tmp_path / "lake" / "silver" / "t"
    commit(path, 0, info(metadata=stamp(1)), described(), added("f0", 1))
    for version in (1, 2):
        append(path, version)
    return path


def stamp(sequence: int) -> str:
    told = {"name": f"{sequence}.csv", "size": 1, "changed": 2}
    read = InputVersion(table="files", version=sequence, extra={"files": {f"content{sequence}": told}})
    return Stamp(asset=KEY, code="c", inputs={"landing.x": read}, run=f"r{sequence}", sequence=sequence).encode()


def append(path: Path, version: int) -> None:
    commit(path, version, info(metadata=stamp(version + 1)), added(f"f{version}", 1))


def look(path: Path) -> tuple[Present | None, list[str]]:
    """What the table is, and which commits were read to know it."""
    files = Counting()
    recall = Recall(path.parents[2] / "cache", "the lake")
    found = recall.present(files, Location(uri=str(path)), KEY)
    recall.keep()
    return found, [str(int(name[:20])) for name in files.read_names]


def kept(path: Path) -> Path:
    (file,) = (path.parents[2] / "cache").iterdir()
    return file


def test_a_second_look_reads_nothing_and_a_third_what_is_new(path: Path) -> None:
    first, read = look(path)
    assert read == ["0", "1", "2"]
    assert look(path) == (first, [])
    append(path, 3)
    second, read = look(path)
    assert read == ["3"]
    assert second is not None
    assert first is not None
    assert (first.version, second.version) == (2, 3)
    assert [len(second.taken["landing.x"]), len(second.held), len(first.held)] == [4, 4, 3]
    assert second.last == second.stands
    assert look(path) == (second, [])


def test_what_is_remembered_says_what_the_whole_log_says(path: Path) -> None:
    look(path)
    commit(path, 3, info(mode="Overwrite"), removed("f0"), removed("f1"), removed("f2"), added("f3", 1))
    remembered, _ = look(path)
    shutil.rmtree(path.parents[2] / "cache")
    assert look(path)[0] == remembered
    assert remembered is not None
    assert remembered.stands is None
    assert remembered.last is not None
    assert (len(remembered.held), len(remembered.taken["landing.x"])) == (0, 3)


def test_a_restore_takes_the_whole_history(path: Path) -> None:
    look(path)
    commit(path, 3, info("RESTORE", version="0"), removed("f1"), removed("f2"))
    found, read = look(path)
    assert {"0", "1", "2", "3"} <= set(read)
    assert found is not None
    assert (found.version, found.table.version, list(found.held)) == (3, 0, ["content1"])
    assert found.stands is not None
    assert found.last is not None
    assert (found.stands.sequence, found.last.sequence) == (1, 3)
    append(path, 4)
    assert look(path)[1] == ["4"]


@pytest.mark.parametrize("longer", [0, 2])
def test_a_table_that_was_made_again_is_noticed(path: Path, longer: int) -> None:
    look(path)
    shutil.rmtree(path)
    commit(path, 0, info(), described("another"), added("g0", 1))
    for version in range(1, 3 + longer):
        commit(path, version, info(), added(f"g{version}", 1))
    found, read = look(path)
    assert "0" in read
    assert found is not None
    assert (found.table.table_id, found.last) == ("another", None)


def test_a_log_that_lost_its_end_is_read_again(path: Path) -> None:
    look(path)
    (path / "_delta_log" / f"{2:020}.json").unlink()
    found, _ = look(path)
    assert found is not None
    assert found.version == 1


def test_a_first_commit_that_is_another_is_noticed(path: Path) -> None:
    look(path)
    commit(path, 0, info(), described("another"), added("f0", 1))
    found, _ = look(path)
    assert found is not None
    assert found.table.table_id == "another"


def test_a_stamp_of_numbers_without_end_is_not_ours(path: Path) -> None:
    told = Stamp(asset=KEY, code="c", inputs={}, run="r", sequence=5).encode()
    commit(path, 3, info(metadata=told.replace('"sequence":5', '"sequence":Infinity')), added("f3", 1))
    found, _ = look(path)
    assert found is not None
    assert found.last is not None
    assert found.last.sequence == 3


def test_a_dropped_table_is_none(path: Path) -> None:
    look(path)
    shutil.rmtree(path)
    assert look(path) == (None, [])


def test_a_commit_that_cannot_be_read_is_told_and_nothing_of_it_is_kept(path: Path) -> None:
    before, _ = look(path)
    append(path, 3)
    broken = path / "_delta_log" / f"{4:020}.json"
    broken.write_text("garbage")
    for _ in range(2):
        with pytest.raises(LogUnreadable):
            look(path)
    broken.unlink()
    after, read = look(path)
    assert read == ["3"]
    assert (before is not None and before.version, after is not None and after.version) == (2, 3)


def without_lines(text: str) -> str:
    return text[: len(text) // 2]


def of_another_format(text: str) -> str:
    return text.replace(f'"format":{FORMAT}', '"format":0')


def with_another_version(text: str) -> str:
    return text.replace('"version":2', '"version":1')


@pytest.mark.parametrize(
    "spoil", [without_lines, of_another_format, with_another_version, lambda text: "", lambda text: "{}"]
)
def test_a_file_that_cannot_be_trusted_is_as_if_it_were_not_there(path: Path, spoil: object) -> None:
    first, _ = look(path)
    file = kept(path)
    file.write_text(spoil(file.read_text()))  # type: ignore[operator]
    assert look(path) == (first, ["0", "1", "2"])
    assert look(path) == (first, [])


def test_a_file_of_an_older_form_is_made_again(path: Path) -> None:
    first, _ = look(path)
    file = kept(path)
    body = json.loads(file.read_text().partition("\n")[2])
    del body["tables"][0]["state"]["effective"]
    text = json.dumps(body)
    from lakehouse.recall import digest

    file.write_text(f"{digest(text)}\n{text}")
    assert look(path) == (first, ["0", "1", "2"])


def test_a_home_that_cannot_be_written_to_costs_only_time(path: Path) -> None:
    (path.parents[2] / "cache").write_text("a file where the folder should be")
    first, _ = look(path)
    assert look(path) == (first, ["0", "1", "2"])
    assert not [file for file in path.parents[2].iterdir() if file.name not in {"cache", "lake"}]


def test_one_broken_log_is_told_beside_the_tables_that_can_be_read(tmp_path: Path) -> None:
    lake = Lake.from_env()
    good, bad = (Path(lake.location(key).uri) for key in ("silver.good", "silver.bad"))
    for table in (good, bad):
        commit(table, 0, info(), described(), added("a", 1))
    (bad / "_delta_log" / f"{1:020}.json").write_text("garbage")
    found = lake.presents({key: lake.location(key) for key in ("silver.good", "silver.bad", "silver.none")})
    assert isinstance(found["silver.good"], Present)
    assert isinstance(found["silver.bad"], LogUnreadable)
    assert set(found) == {"silver.good", "silver.bad"}
