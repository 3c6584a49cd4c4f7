import json
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from lakehouse.errors import LogUnreadable
from lakehouse.files import LocalFiles
from lakehouse.history import Commit, last_stamped, read_history
from lakehouse.stamp import Stamp
from lakehouse.table import Location


def history(path: Path) -> tuple[Commit, ...]:
    return read_history(LocalFiles(), Location(uri=str(path)))


def write(path: Path, numbers: list[int], mode: str = "append", stamp: Stamp | None = None) -> None:
    metadata = {"userMetadata": stamp.encode()} if stamp else {}
    deltalake.write_deltalake(
        str(path),
        pa.table({"x": numbers}),
        mode=mode,  # type: ignore[arg-type]
        commit_properties=deltalake.CommitProperties(custom_metadata=metadata),
    )


def stamp(sequence: int) -> Stamp:
    return Stamp(asset="gold.t", code="c", inputs={}, run=f"r{sequence}", sequence=sequence)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gold" / "t"


def test_no_table_has_no_history(path: Path) -> None:
    assert history(path) == ()


def test_each_commit_tells_its_rows_its_stamp_and_its_table(path: Path) -> None:
    write(path, [1, 2], stamp=stamp(1))
    write(path, [3], stamp=stamp(2))
    write(path, [9], mode="overwrite")
    first, second, third = history(path)
    assert [first.rows, second.rows, third.rows] == [2, 3, 1]
    assert first.stamp == stamp(1)
    assert third.stamp is None
    assert [first.replaces, third.replaces] == [False, True]
    assert first.table_id == third.table_id == str(deltalake.DeltaTable(str(path)).metadata().id)
    assert last_stamped(history(path), "gold.t") == second


def test_optimize_and_vacuum_change_no_effective_version(path: Path) -> None:
    write(path, [1])
    write(path, [2])
    table = deltalake.DeltaTable(str(path))
    table.optimize.compact()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert [commit.effective for commit in history(path)][:3] == [0, 1, 1]
    assert history(path)[-1].effective == 1


def test_a_restored_version_is_the_version_it_restored(path: Path) -> None:
    write(path, [1])
    write(path, [2])
    deltalake.DeltaTable(str(path)).restore(0)
    assert history(path)[-1].version == 2
    assert history(path)[-1].effective == 0
    write(path, [3])
    assert history(path)[-1].effective == 3


def test_a_changed_schema_is_an_effective_version_and_a_changed_property_is_not(path: Path) -> None:
    write(path, [1])
    table = deltalake.DeltaTable(str(path))
    table.alter.add_columns(deltalake.Field("y", "string"))  # type: ignore[arg-type]
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 9 days"})
    assert [commit.effective for commit in history(path)] == [0, 1, 1]


def test_a_table_made_again_is_another_table(path: Path, tmp_path: Path) -> None:
    write(path, [1])
    before = history(path)[-1].table_version
    path.rename(tmp_path / "dropped")
    write(path, [1])
    after = history(path)[-1].table_version
    assert before.version == after.version == 0
    assert before != after


def test_a_log_whose_beginning_was_cleaned_away_still_knows_its_table(path: Path) -> None:
    for number in range(3):
        write(path, [number])
    table = deltalake.DeltaTable(str(path))
    table.create_checkpoint()
    for name in ("00000000000000000000.json", "00000000000000000001.json"):
        (path / "_delta_log" / name).unlink()
    assert history(path)[-1].table_id == str(table.metadata().id)


def test_a_garbage_log_file_is_named(path: Path) -> None:
    write(path, [1])
    (path / "_delta_log" / f"{1:020}.json").write_text("not json\n")
    with pytest.raises(LogUnreadable, match="00000000000000000001.json"):
        history(path)


def test_other_files_in_the_log_are_passed_over(path: Path) -> None:
    write(path, [1])
    (path / "_delta_log" / "notes.txt").write_text("hello")
    (path / "_delta_log" / f".{1:020}.json.tmp").write_text(json.dumps({}))
    assert len(history(path)) == 1
