"""Old versions stay readable for years, by every reader: both retention properties are set by a table's first commit."""

import json
import os
import re
from datetime import timedelta
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from lakehouse.engine import EngineName, Publication
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp

KEY = "gold.old"
YEARS = timedelta(days=9 * 365)


def age(path: Path) -> None:
    """Makes a log nine years older: the times that it tells, and those of its files."""
    earlier = int(YEARS.total_seconds() * 1000)
    for file in sorted((path / "_delta_log").glob("*.json")):
        text = re.sub(
            r'"(timestamp|inCommitTimestamp|modificationTime|deletionTimestamp|createdTime|lastUpdated)":(\d{13})',
            lambda found: f'"{found[1]}":{int(found[2]) - earlier}',
            file.read_text(),
        )
        file.write_text(text)
    for file in path.rglob("*"):
        if file.suffix == ".crc":
            file.unlink()  # Hadoop's sums of the bytes that were there before
            continue
        then = file.stat().st_mtime - YEARS.total_seconds()
        os.utime(file, (then, then))


def write(lake: Lake, engine: EngineName, sequence: int) -> None:
    stamp = Stamp(asset=KEY, code="c", inputs={}, run=f"r{sequence}", sequence=sequence)
    rows = pa.table({"x": pa.array([sequence] * sequence, pa.int64())})
    publication = Publication(
        location=lake.location(KEY), write="replace", metadata=stamp.encode(), application=KEY, sequence=sequence
    )
    writer = lake.engine(engine)
    writer.publish(writer.from_arrow(rows), publication)


def read_by_all(lake: Lake, path: Path, version: int) -> set[int]:
    """How many rows each reader sees."""
    by_delta_rs = deltalake.DeltaTable(path, version=version).to_pyarrow_dataset().count_rows()
    return {len(lake.read_arrow(KEY, version)), by_delta_rs}


def made_long_ago(lake: Lake, engine: EngineName) -> Path:
    for sequence in (1, 2, 3):
        write(lake, engine, sequence)
    path = Path(lake.location(KEY).uri)
    age(path)
    assert {commit.at.year for commit in lake.history(KEY)} <= {2014, 2015, 2016, 2017, 2018, 2019}
    return path


@pytest.fixture
def lake(request: pytest.FixtureRequest) -> Lake:
    if request.node.get_closest_marker("spark"):
        request.getfixturevalue("on_spark")
    return Lake.from_env()


def test_a_version_of_nine_years_ago_is_read_after_delta_rs_cleaned_up(lake: Lake) -> None:
    path = made_long_ago(lake, "duckdb")
    write(lake, "duckdb", 4)
    table = deltalake.DeltaTable(path)
    table.create_checkpoint()
    table.cleanup_metadata()
    table.vacuum(dry_run=False)
    assert [read_by_all(lake, path, version) for version in range(4)] == [{1}, {2}, {3}, {4}]
    assert [commit.rows for commit in lake.history(KEY)] == [1, 2, 3, 4]


def test_without_the_properties_the_same_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "t"
    for number in range(3):
        deltalake.write_deltalake(path, pa.table({"x": [number]}), mode="overwrite")
    age(path)
    table = deltalake.DeltaTable(path)
    table.create_checkpoint()
    table.cleanup_metadata()
    with pytest.raises(deltalake.exceptions.DeltaError):
        deltalake.DeltaTable(path, version=0)


@pytest.mark.long
@pytest.mark.spark
def test_a_version_of_nine_years_ago_is_read_after_spark_cleaned_up(lake: Lake) -> None:
    path = made_long_ago(lake, "spark")
    for sequence in range(4, 13):  # the tenth commit makes a checkpoint, after which the log is cleaned
        write(lake, "spark", sequence)
    assert list((path / "_delta_log").glob("*.checkpoint*"))
    engine = lake.engine("spark")
    session = engine.from_arrow(pa.table({"x": [1]})).sparkSession  # type: ignore[attr-defined]
    session.sql(f"VACUUM delta.`{path}`").collect()
    for version in range(3):
        assert read_by_all(lake, path, version) == {version + 1}
        frame = engine.read(lake.location(KEY), version)
        assert frame.count() == version + 1  # type: ignore[attr-defined]
    assert [commit.rows for commit in lake.history(KEY)][:3] == [1, 2, 3]


@pytest.mark.spark
def test_the_properties_are_in_the_first_commit_of_both_engines(lake: Lake) -> None:
    for engine, key in (("spark", "gold.of_spark"), ("duckdb", "gold.of_duck")):
        writer = lake.engine(engine)  # type: ignore[arg-type]
        publication = Publication(
            location=lake.location(key), write="replace", metadata="", application=key, sequence=1
        )
        writer.publish(writer.from_arrow(pa.table({"x": [1]})), publication)
        first = (Path(lake.location(key).uri) / "_delta_log" / f"{0:020}.json").read_text()
        told = next(json.loads(line)["metaData"] for line in first.splitlines() if "metaData" in json.loads(line))
        assert told["configuration"] == {
            "delta.logRetentionDuration": "interval 3650 days",
            "delta.deletedFileRetentionDuration": "interval 3650 days",
        }
