import json
from pathlib import Path

import deltalake
import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from lakehouse.datafiles import read_files
from lakehouse.duck import connect
from lakehouse.errors import LogUnreadable
from lakehouse.files import LocalFiles
from lakehouse.history import Commit, last_stamped, live_commits, read_history
from lakehouse.settings import LakeSettings
from lakehouse.stamp import Stamp
from lakehouse.table import Location
from tests.lakehouse.written_log import AT, SCHEMA, added, commit, described, info, removed


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


def test_a_folder_with_the_name_of_a_commit_or_a_checkpoint_is_none_as_for_the_readers(path: Path) -> None:
    write(path, [1, 2])
    (path / "_delta_log" / f"{1:020}.json").mkdir()
    (path / "_delta_log" / f"{5:020}.checkpoint.parquet").mkdir()
    assert [commit.rows for commit in history(path)] == [2]
    assert counted(path) == 2
    assert deltalake.DeltaTable(str(path)).version() == 0
    told = read_files(LocalFiles(), Location(uri=str(path)))
    assert told is not None
    assert told.newest == 0


def effective(path: Path) -> list[int]:
    return [commit.effective for commit in history(path)]


def counted(path: Path) -> int:
    """How many rows DuckDB sees."""
    found = connect(LakeSettings()).sql(f"SELECT count(*) FROM delta_scan('{path}')").fetchone()
    return int(found[0]) if found else -1


def test_rows_that_a_deletion_vector_hides_do_not_count_in_whatever_order_it_is_told(path: Path) -> None:
    commit(path, 0, info(), described(), added("a", 10))
    commit(path, 1, info("DELETE"), added("a", 10, "v1", 1), removed("a"))
    commit(path, 2, info("DELETE"), removed("a", "v1", 1), added("a", 10, "v2", 3))
    assert [(c.rows, c.effective) for c in history(path)] == [(10, 0), (9, 1), (7, 2)]


def test_a_path_that_one_writer_escapes_and_the_other_does_not_is_one_file(path: Path) -> None:
    commit(path, 0, info(), described(), added("k=a%20b/f", 10))
    commit(path, 1, info("DELETE"), removed("k=a b/f"))
    assert history(path)[-1].rows == 0


def test_a_restore_by_a_time_in_words_is_known_by_what_it_brought_back(path: Path) -> None:
    commit(path, 0, info(), described(), added("a", 1))
    commit(path, 1, info(), added("b", 1))
    commit(
        path,
        2,
        info("OPTIMIZE"),
        removed("a", changes=False),
        removed("b", changes=False),
        added("c", 2, changes=False),
    )
    commit(path, 3, info("RESTORE", version=None, timestamp="2026-11-24 22:23:46.105"), removed("c"), added("a", 1))
    assert effective(path) == [0, 1, 1, 0]
    assert history(path)[-1].restores == 0
    *_, live = live_commits(history(path))
    assert [made.version for made in live] == [0]


def test_a_restore_that_misses_files_is_a_content_of_its_own(path: Path) -> None:
    commit(path, 0, info(), described(), added("a", 1), added("b", 1))
    commit(path, 1, info(mode="Overwrite"), removed("a"), removed("b"), added("c", 1))
    commit(path, 2, info("RESTORE", version="0"), removed("c"), added("a", 1))
    assert effective(path) == [0, 1, 2]


@pytest.mark.parametrize(
    ("operation", "parameters", "replaces"),
    [
        ("WRITE", {"mode": "Overwrite"}, True),
        ("WRITE", {"mode": "Overwrite", "predicate": "[]"}, True),
        ("WRITE", {"mode": "Overwrite", "predicate": "x = 1"}, False),
        ("WRITE", {"mode": "Overwrite", "isDynamicPartitionOverwrite": True}, False),
        ("WRITE", {"mode": "Append"}, False),
        ("CREATE OR REPLACE TABLE AS SELECT", {}, True),
        ("REPLACE TABLE", {}, True),
        ("TRUNCATE", {}, True),
        ("DELETE", {}, True),
        ("DELETE", {"predicate": '["true"]'}, True),
        ("DELETE", {"predicate": '["(x = 1)"]'}, False),
        ("DELETE", {"predicate": ["(x = 1)"]}, False),
        ("WRITE", {"mode": "Overwrite", "predicate": ["(x = 1)"]}, False),
        ("MERGE", {"predicate": "[]"}, False),
    ],
)
def test_what_leaves_nothing_of_the_version_before(
    path: Path, operation: str, parameters: dict[str, object], replaces: bool
) -> None:
    commit(path, 0, info(operation, **parameters), described())
    assert history(path)[0].replaces is replaces


def changed_schema(**change: object) -> dict[str, object]:
    return {"type": "struct", "fields": [SCHEMA["fields"][0] | change]}  # type: ignore[index]


@pytest.mark.parametrize(
    ("schema", "is_effective"),
    [
        (changed_schema(metadata={"comment": "how many"}), False),
        (changed_schema(metadata={"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "x"}), False),
        (changed_schema(metadata={"delta.columnMapping.id": 2, "delta.columnMapping.physicalName": "col-1a"}), True),
        (changed_schema(nullable=False), True),
        (changed_schema(type="double"), True),
        (changed_schema(name="y"), True),
    ],
)
def test_a_schema_is_another_where_a_reader_sees_it(path: Path, schema: dict[str, object], is_effective: bool) -> None:
    commit(path, 0, info(), described(), added("a", 1))
    commit(path, 1, info("CHANGE COLUMN"), described(schema=schema))
    assert effective(path) == [0, int(is_effective)]


def test_a_schema_that_is_spelled_in_another_way_is_the_same(path: Path) -> None:
    commit(path, 0, info(), described())
    commit(path, 1, info("SET TBLPROPERTIES"), described(schema=dict(reversed(SCHEMA.items())), a="b"))
    commit(path, 2, info("UPGRADE PROTOCOL"), {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7}})
    assert effective(path) == [0, 0, 0]


def test_a_table_that_is_replaced_in_its_own_log_is_another_table(path: Path) -> None:
    commit(path, 0, info(), described("first"))
    commit(path, 1, info("CREATE OR REPLACE TABLE"), described("second"))
    assert [str(c.table_version.table_id) for c in history(path)] == ["first", "second"]
    assert effective(path) == [0, 1]


def test_a_commit_of_no_time_or_of_an_impossible_one_is_read(path: Path) -> None:
    commit(path, 0, described(), added("a", 1))
    commit(path, 1, info(at=10**30), added("b", 1))
    commit(path, 2, {"commitInfo": {"inCommitTimestamp": AT, "timestamp": 1}})
    assert [c.at.year for c in history(path)] == [1970, 1970, 2023]


@pytest.mark.parametrize(
    "text",
    [
        '{"add":{"path":"b","dataChange":true',
        '{"add":{"path":"b","dataChange":true}} {"add":{}}',
        '{"add":{"dataChange":true}}',
        "[1]",
        "\ud800",
        "[" * 100_000,
    ],
)
def test_a_commit_that_ends_too_early_or_is_no_commit_is_named(path: Path, text: str) -> None:
    commit(path, 0, info(), described(), added("a", 1))
    (path / "_delta_log" / f"{1:020}.json").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(LogUnreadable, match=f"{1:020}.json"):
        history(path)


def test_a_commit_that_is_missing_is_named_unless_a_checkpoint_stands_for_it(path: Path) -> None:
    for number in range(4):
        write(path, [number])
    (path / "_delta_log" / f"{1:020}.json").unlink()
    with pytest.raises(LogUnreadable, match=f"{1:020}.json"):
        history(path)


def cleaned(path: Path, upto: int) -> None:
    for version in range(upto):
        (path / "_delta_log" / f"{version:020}.json").unlink()


def made_with_checkpoint(path: Path) -> Path:
    """Three commits, of which the checkpoint of the last stands for the first two."""
    for number in range(3):
        write(path, [number] * (number + 1))
    deltalake.DeltaTable(str(path)).create_checkpoint()
    cleaned(path, 2)
    return path / "_delta_log" / f"{2:020}.checkpoint.parquet"


def test_a_log_that_was_cleaned_counts_its_rows_and_starts_with_its_checkpoint(path: Path) -> None:
    made_with_checkpoint(path)
    write(path, [7])
    deltalake.DeltaTable(str(path)).optimize.compact()
    told = [(c.version, c.effective, c.rows) for c in history(path)]
    assert told == [(2, 2, 6), (3, 3, 7), (4, 3, 7)]
    assert counted(path) == 7


def test_a_log_whose_commits_are_all_cleaned_away_is_its_checkpoint(path: Path) -> None:
    made_with_checkpoint(path)
    (path / "_delta_log" / f"{2:020}.json").unlink()
    assert [(c.version, c.effective, c.rows, c.stamp) for c in history(path)] == [(2, 2, 6, None)]


def test_a_checkpoint_of_several_parts_is_read_and_one_that_lacks_a_part_is_none(path: Path) -> None:
    whole = made_with_checkpoint(path)
    rows = parquet.read_table(whole)
    parts = [whole.with_name(f"{2:020}.checkpoint.{n:010}.0000000002.parquet") for n in (1, 2)]
    for part, piece in zip(parts, (rows.slice(0, 2), rows.slice(2)), strict=True):
        parquet.write_table(piece, part)
    whole.unlink()
    (path / "_delta_log" / "_last_checkpoint").write_text('{"version":2,"size":5,"parts":2}')
    assert history(path)[-1].rows == counted(path) == 6
    parts[1].unlink()
    with pytest.raises(LogUnreadable, match="no checkpoint stands for it"):
        history(path)


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_a_checkpoint_with_its_files_in_sidecars_is_read(path: Path, form: str) -> None:
    whole = made_with_checkpoint(path)
    rows = parquet.read_table(whole)
    sidecars = path / "_delta_log" / "_sidecars"
    sidecars.mkdir()
    parquet.write_table(rows.select(["add"]), sidecars / "00000.parquet")
    told = next(row for row in rows.column("metaData").to_pylist() if row)
    top = [
        {"metaData": {"id": told["id"], "schemaString": told["schemaString"], "description": "a\u2028b"}},
        {"sidecar": {"path": "00000.parquet"}},
    ]
    new = whole.with_name(f"{2:020}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.{form}")
    if form == "json":
        new.write_text("\n".join(json.dumps(action, ensure_ascii=False) for action in top))
    else:
        parquet.write_table(
            pa.Table.from_pylist(
                top,
                schema=pa.schema(
                    {
                        "metaData": pa.struct(
                            {"id": pa.string(), "schemaString": pa.string(), "description": pa.string()}
                        ),
                        "sidecar": pa.struct({"path": pa.string()}),
                    }
                ),
            ),
            new,
        )
    whole.unlink()
    assert [(c.table_id, c.rows) for c in history(path)] == [(told["id"], 6)]


def test_a_checkpoint_that_cannot_be_read_is_named(path: Path) -> None:
    made_with_checkpoint(path).write_bytes(b"PAR1 and no more")
    with pytest.raises(LogUnreadable, match="checkpoint.parquet"):
        history(path)


def test_what_duckdb_inserted_is_a_commit_of_others(path: Path) -> None:
    write(path, [1], stamp=stamp(1))
    with connect(LakeSettings()) as duck:
        duck.execute(f"ATTACH '{path}' AS t (TYPE delta)")
        duck.execute("INSERT INTO t VALUES (2), (3)")
        with pytest.raises(duckdb.Error):
            duck.execute("DELETE FROM t")
    assert [(c.rows, c.effective, c.stamp) for c in history(path)] == [(1, 0, stamp(1)), (3, 1, None)]
