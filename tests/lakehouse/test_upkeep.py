"""Old files go and small files become few, while every kept version stays readable by every reader."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.datafiles import Life, TableFiles, read_files
from lakehouse.engine import EngineName, Publication
from lakehouse.errors import LogUnreadable, UpkeepUnsafe, VersionUnreadable
from lakehouse.files import LocalFiles
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp
from lakehouse.table import Location
from lakehouse.upkeep import MANY, ORPHANS_AFTER, Need, look, missing_files

KEY = "silver.things"
NONE = timedelta(0)


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine_name(request: pytest.FixtureRequest) -> EngineName:
    if request.param == "spark":
        request.getfixturevalue("on_spark")
    name: EngineName = request.param
    return name


@pytest.fixture
def lake(engine_name: EngineName) -> Lake:
    return Lake.from_env()


def publish(lake: Lake, name: EngineName, count: int, write: str = "replace", key: str = KEY) -> None:
    engine = lake.engine(name)
    for sequence in range(1, count + 1):
        publication = Publication(
            location=lake.location(key),
            write=write,  # type: ignore[arg-type]
            metadata=Stamp(asset=key, code="c", inputs={}, run="r", sequence=sequence).encode(),
            application=key,
            sequence=sequence,
        )
        engine.publish(engine.from_arrow(pa.table({"id": [sequence]})), publication)


def need(lake: Lake, kept: Iterable[int], grace: timedelta = NONE, key: str = KEY) -> Need:
    known = lake.history(key)[-1].version
    found = look(lake.files, lake.location(key), kept, grace, datetime.now(UTC), known=known)
    assert found is not None
    return found


def ids(lake: Lake, version: int | None = None) -> list[object]:
    return sorted(lake.read_arrow(KEY, version)["id"].to_pylist())


def data_files(lake: Lake, key: str = KEY) -> set[str]:
    return set(lake.files.below(lake.location(key)))


@pytest.mark.slow
def test_exactly_the_kept_versions_stay_readable_by_every_reader(lake: Lake, engine_name: EngineName) -> None:
    publish(lake, engine_name, 6)
    found = need(lake, [1, 3])
    assert (found.removes.files, found.lost) == (3, {})
    lake.care(engine_name).remove(found.removal)
    place = lake.location(KEY)
    for version in (1, 3, 5):
        assert ids(lake, version) == [version + 1]
        assert deltalake.DeltaTable(place.uri, version=version).to_pyarrow_table()["id"].to_pylist() == [version + 1]
        frame = lake.engine(engine_name).read(place, version)
        told = frame.collect() if engine_name == "spark" else frame.fetchall()  # type: ignore[attr-defined]
        assert [row[0] for row in told] == [version + 1]
    for version in (0, 2, 4):
        with pytest.raises(VersionUnreadable):
            lake.read_arrow(KEY, version)
    assert {commit.effective for commit in lake.history(KEY)[5:]} == {5}, "a vacuum makes nothing stale"
    assert missing_files(lake.files, place, range(6)) == {0: 1, 2: 1, 4: 1}
    again = need(lake, [1, 3])
    assert (again.removes.files, again.lost) == (0, {})
    assert need(lake, [2]).lost == {2: 1}


@pytest.mark.slow
def test_a_compaction_makes_few_files_and_changes_no_version(lake: Lake, engine_name: EngineName) -> None:
    publish(lake, engine_name, MANY, write="append")
    found = need(lake, range(MANY))
    assert (found.compacts.files, found.removes.files) == (MANY, 0)
    lake.care(engine_name).compact(lake.location(KEY))
    assert [commit.effective for commit in lake.history(KEY)][-2:] == [MANY - 1, MANY - 1]
    assert ids(lake) == ids(lake, MANY - 1) == list(range(1, MANY + 1))
    assert len(deltalake.DeltaTable(lake.location(KEY).uri).file_uris()) == 1
    after = need(lake, [2, MANY - 1])
    assert (after.compacts.files, after.removes.files) == (0, 0), "the newest effective version needs all of them"
    only_newest = need(lake, [2])
    assert only_newest.removes.files == MANY - 3
    lake.care(engine_name).remove(only_newest.removal)
    assert (ids(lake, 2), ids(lake)) == ([1, 2, 3], list(range(1, MANY + 1)))
    with pytest.raises(VersionUnreadable):
        lake.read_arrow(KEY, 3)


@pytest.mark.slow
def test_what_a_failed_write_left_goes_by_its_age_and_what_is_not_a_table_s_stays(
    lake: Lake, engine_name: EngineName
) -> None:
    publish(lake, engine_name, 2)
    folder = Path(lake.location(KEY).uri)
    long_ago = (datetime.now(UTC) - ORPHANS_AFTER - timedelta(hours=2)).timestamp()
    for name, age in (("part-old.parquet", long_ago), ("part-new.parquet", None)):
        (folder / name).write_bytes(b"x")
        if age:
            os.utime(folder / name, (age, age))
    assert set(need(lake, [0], timedelta(hours=1)).removal.files) == set(), "it may belong to a write at work"
    found = need(lake, [0], ORPHANS_AFTER)
    assert set(found.removal.files) == {"part-old.parquet"}
    lake.care(engine_name).remove(found.removal)
    assert "part-new.parquet" in data_files(lake)
    assert "part-old.parquet" not in data_files(lake)
    assert (ids(lake, 0), ids(lake, 1)) == ([1], [2])


@pytest.mark.slow
def test_odd_names_of_partitions_and_folders_are_found_again(lake: Lake, engine_name: EngineName) -> None:
    place = lake.settings.root.child("silver", "odd name")
    odd = pa.table({"id": [1], "p": ["a b/%ü=1"]})
    for _ in range(3):
        if engine_name == "duckdb":
            deltalake.write_deltalake(place.uri, odd, mode="overwrite", partition_by=["p"])
            continue
        frame = lake.engine("spark").from_arrow(odd)
        frame.write.format("delta").mode("overwrite").partitionBy("p").save(place.uri)  # type: ignore[attr-defined]
    found = look(lake.files, place, [0], NONE, datetime.now(UTC), known=2)
    assert found and (found.removes.files, found.lost) == (1, {})
    lake.care(engine_name).remove(found.removal)
    assert len(lake.files.below(place)) == 2
    for version in (0, 2):
        assert deltalake.DeltaTable(place.uri, version=version).to_pyarrow_table()["p"].to_pylist() == ["a b/%ü=1"]


def write(path: Path, number: int, mode: str = "overwrite") -> None:
    deltalake.write_deltalake(str(path), pa.table({"id": [number]}), mode=mode)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_foreign_file_in_the_folder_is_left_there_and_stops_nothing(tmp_path: Path) -> None:
    lake = Lake.from_env()
    folder = Path(lake.location(KEY).uri)
    for number in range(3):
        write(folder, number)
    for name in ("README", "part-old.parquet"):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (1, 1))
    late = datetime.now(UTC) + timedelta(days=30)
    found = look(lake.files, lake.location(KEY), [0], ORPHANS_AFTER, late, known=2)
    assert found
    assert found.removes.files == 2
    lake.care("duckdb").remove(found.removal)
    assert "README" in data_files(lake)
    assert ids(lake, 0) == [0]
    with pytest.raises(VersionUnreadable):
        lake.read_arrow(KEY, 1)


@pytest.mark.slow
def test_a_version_that_came_since_the_look_loses_nothing() -> None:
    lake = Lake.from_env()
    folder = Path(lake.location(KEY).uri)
    for number in range(3):
        write(folder, number)
    found = need(lake, [0])
    write(folder, 3)
    with pytest.raises(UpkeepUnsafe, match="run again"):
        lake.care("duckdb").remove(found.removal)
    assert ids(lake, 2) == [2], "a run that began before may be reading it"


def test_the_files_of_a_version_are_those_that_delta_rs_names(tmp_path: Path) -> None:
    path = tmp_path / "t"
    for number in range(4):
        write(path, number, "append")
    write(path, 9)
    deltalake.DeltaTable(str(path)).restore(2)
    deltalake.DeltaTable(str(path)).optimize.compact()
    write(path, 7, "append")
    told = read_files(LocalFiles(), Location(uri=str(path)))
    assert told
    for version in range(told.newest + 1):
        named = {Path(uri).name for uri in deltalake.DeltaTable(str(path), version=version).file_uris()}
        assert {life.path for life in told.at(version)} == named
    assert (told.since, told.newest) == (0, 7)


def test_a_log_that_does_not_tell_of_all_files_removes_none(tmp_path: Path) -> None:
    path = tmp_path / "t"
    for number in range(3):
        write(path, number)
    deltalake.DeltaTable(str(path)).create_checkpoint()
    (path / "_delta_log" / f"{0:020}.json").unlink()
    assert look(LocalFiles(), Location(uri=str(path)), [], NONE, datetime.now(UTC), known=2) is None
    assert look(LocalFiles(), Location(uri=str(tmp_path / "none")), [], NONE, datetime.now(UTC), known=2) is None
    (path / "_delta_log" / f"{1:020}.json").write_text("no action\n")
    with pytest.raises(LogUnreadable):
        look(LocalFiles(), Location(uri=str(path)), [], NONE, datetime.now(UTC), known=2)


@st.composite
def tables(draw: st.DrawFn) -> TableFiles:
    newest = draw(st.integers(0, 12))
    lives = []
    for number in range(draw(st.integers(0, 12))):
        first = draw(st.integers(0, newest))
        end = draw(st.none() | st.integers(first + 1, newest + 1))
        ended = None if end is None or end > newest else end
        lives.append(Life(path=f"f{number % 7}", size=1, first=first, end=ended))
    return TableFiles(lives=tuple(lives), since=0, newest=newest)


def paths(told: TableFiles, versions: Iterable[int]) -> set[str]:
    return {life.path for version in versions for life in told.at(version)}


@given(tables(), st.sets(st.integers(0, 12)))
def test_what_a_kept_version_has_is_never_unneeded_and_all_else_is(told: TableFiles, wanted: set[int]) -> None:
    kept = {version for version in wanted if version <= told.newest}
    needed = paths(told, {*kept, told.newest})
    assert told.unneeded(kept) == {life.path for life in told.lives} - needed
    assert set(told.telling(kept)) <= kept
    assert paths(told, {*told.telling(kept), told.newest}) == needed
