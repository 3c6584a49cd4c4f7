from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from lakehouse.errors import BadQuery
from lakehouse.lake import Lake
from lakehouse.stamp import InputVersion, Stamp

pytestmark = pytest.mark.slow

MODEL = "models.iris"


def stamp(asset: str, sequence: int, **inputs: InputVersion) -> Stamp:
    read = {name.replace("__", "."): version for name, version in inputs.items()}
    return Stamp(asset=asset, code="c1", inputs=read, run=f"run-{sequence}", sequence=sequence)


def used(version: int, alias: str | None = None) -> InputVersion:
    return InputVersion(table=f"id-{version}", version=version, alias=alias)


@pytest.fixture
def lake() -> Lake:
    """Three tables: one stamped twice, one of quarantined rows, and one that somebody else made."""
    lake = Lake.from_env()
    first = stamp("silver.flowers", 1, landing__iris=used(3))
    second = stamp("silver.flowers", 2, landing__iris=used(4), models__iris=used(7, "staging"))
    lake.append("silver.flowers", pa.table({"id": [1, 2]}), metadata=first.encode())
    lake.append("silver.flowers", pa.table({"id": [3], "note": ["it's"]}), metadata=second.encode())
    lake.append("quarantine.silver.flowers", pa.table({"id": [-1]}), metadata="by hand")
    lake.append("gold.order", pa.table({"select": [1.5]}), metadata="")
    return lake


def rows(lake: Lake, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in lake.query(sql).to_pylist()]


def test_each_table_is_a_view_under_its_key(lake: Lake) -> None:
    assert rows(lake, "SELECT id, note FROM silver.flowers ORDER BY id") == [(1, None), (2, None), (3, "it's")]
    assert rows(lake, 'SELECT "select" FROM gold."order"') == [(1.5,)]


def test_what_was_kept_back_is_a_view_as_well(lake: Lake) -> None:
    assert rows(lake, "SELECT id FROM quarantine.silver.flowers") == [(-1,)]


def test_tables_of_both_kinds_join(lake: Lake) -> None:
    joined = "SELECT count(*) FROM silver.flowers f ANTI JOIN quarantine.silver.flowers q USING (id)"
    assert rows(lake, joined) == [(3,)]


def test_a_key_that_needs_quotes_works(lake: Lake) -> None:
    lake.append("silver.it's odd-name", pa.table({"größe": [1]}), metadata="")
    assert rows(lake, """SELECT "größe" FROM silver."it's odd-name" """) == [(1,)]
    assert rows(lake, "SELECT * FROM lakeline.at('silver.it''s odd-name', 0)") == [(1,)]


def test_history_has_a_row_for_each_commit(lake: Lake) -> None:
    asked = 'SELECT "table", version, operation, rows, effective, run FROM lakeline.history ORDER BY 1, 2'
    assert rows(lake, asked) == [
        ("gold.order", 0, "WRITE", 1, 0, None),
        ("quarantine.silver.flowers", 0, "WRITE", 1, 0, None),
        ("silver.flowers", 0, "WRITE", 2, 0, "run-1"),
        ("silver.flowers", 1, "WRITE", 3, 1, "run-2"),
    ]
    latest = lake.query("SELECT max(made_at) AS newest FROM lakeline.history").column("newest")[0].as_py()
    assert abs((datetime.now(UTC) - latest).total_seconds()) < 60


def test_stamps_has_a_row_for_each_stamped_commit(lake: Lake) -> None:
    asked = 'SELECT asset, version, "commit", code, run, sequence, fingerprint, stamp FROM lakeline.stamps ORDER BY 2'
    stamps = [commit.stamp for commit in lake.history("silver.flowers")]
    assert rows(lake, asked) == [
        (told.asset, place, place, "c1", told.run, told.sequence, told.fingerprint, told.encode())
        for place, told in enumerate(stamps)
        if told
    ]
    assert rows(lake, "SELECT stamp ->> '$.inputs.*.version' FROM lakeline.stamps WHERE sequence = 2") == [
        (["4", "7"],)
    ]


def test_lineage_has_a_row_for_each_input_of_each_commit(lake: Lake) -> None:
    asked = "SELECT asset, version, input, input_version, alias, input_table, run FROM lakeline.lineage ORDER BY 2, 3"
    assert rows(lake, asked) == [
        ("silver.flowers", 0, "landing.iris", 3, None, "id-3", "run-1"),
        ("silver.flowers", 1, "landing.iris", 4, None, "id-4", "run-2"),
        ("silver.flowers", 1, "models.iris", 7, "staging", "id-7", "run-2"),
    ]


def test_a_model_is_told_by_its_own_version_and_not_by_its_journals(lake: Lake) -> None:
    made = stamp(MODEL, 1, silver__flowers=used(1))
    journaled = Stamp(
        asset=made.asset,
        code=made.code,
        inputs=made.inputs,
        run=made.run,
        sequence=1,
        extra={"journal": {"version": 12}},
    )
    lake.append("ops.model_journal", pa.table({"model": ["iris"]}), metadata=journaled.encode())
    asked = f"SELECT version, input, input_version FROM lakeline.lineage WHERE asset = '{MODEL}'"
    assert rows(lake, asked) == [(12, "silver.flowers", 1)]
    assert rows(lake, f"""SELECT "table", "commit" FROM lakeline.stamps WHERE asset = '{MODEL}'""") == [
        ("ops.model_journal", 0)
    ]


def test_an_older_version_is_read_by_key_and_number(lake: Lake) -> None:
    assert rows(lake, "SELECT * FROM lakeline.at('silver.flowers', 0) ORDER BY id") == [(1,), (2,)]
    assert rows(lake, "SELECT count(*) FROM lakeline.at('silver.flowers', 1)") == [(3,)]
    assert rows(lake, "SELECT id FROM lakeline.at('quarantine.silver.flowers', 0)") == [(-1,)]


def test_a_version_that_was_never_made_is_told_clearly(lake: Lake) -> None:
    with pytest.raises(BadQuery, match="version 9 was never made, the newest is 1$"):
        lake.query("SELECT * FROM lakeline.at('silver.flowers', 9)")


def test_a_table_that_was_never_made_is_told_clearly(lake: Lake) -> None:
    with pytest.raises(BadQuery, match="silver/nothing"):
        lake.query("SELECT * FROM lakeline.at('silver.nothing', 0)")
    with pytest.raises(BadQuery, match="nothing"):
        lake.query("SELECT * FROM silver.nothing")


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- nothing",
        "CREATE TABLE x (y INT)",
        "SELEKT 1",
        "SELECT no_such_column FROM silver.flowers",
        "SELECT 1/",
        "SELECT 'x'::INT",
    ],
)
def test_what_duckdb_refuses_is_a_bad_query(lake: Lake, sql: str) -> None:
    with pytest.raises(BadQuery) as caught:
        lake.query(sql)
    assert "NoneType" not in str(caught.value)


def test_views_only_read(lake: Lake) -> None:
    for sql in ("INSERT INTO silver.flowers VALUES (9, 'x')", "DELETE FROM silver.flowers"):
        with pytest.raises(BadQuery):
            lake.query(sql)
    assert len(lake.history("silver.flowers")) == 2


def test_an_empty_lake_has_empty_tables_of_its_log() -> None:
    lake = Lake.from_env()
    for name in ("history", "stamps", "lineage"):
        assert lake.query(f"SELECT * FROM lakeline.{name}").num_rows == 0
    assert lake.query(
        "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal AND schema_name <> 'main'"
    ).to_pylist() == [{"schema_name": "lakeline"}]


def test_a_folder_that_is_no_table_is_no_view(lake: Lake) -> None:
    (lake.settings.home / "lake" / "silver" / "notes").mkdir()
    (lake.settings.home / "lake" / "README").write_text("hello")
    assert set(lake.tables()) == {"gold.order", "quarantine.silver.flowers", "silver.flowers"}
    assert rows(lake, "SELECT count(*) FROM silver.flowers") == [(3,)]


def test_the_same_table_opens_in_a_plain_duckdb_with_the_delta_extension(lake: Lake) -> None:
    package = Path(next(iter(import_module("duckdb_extension_delta").__path__)))
    extension = next(package.rglob("delta.duckdb_extension"))
    with duckdb.connect() as plain:
        plain.execute(f"LOAD '{extension}'")
        read = plain.execute("SELECT id FROM delta_scan(?) ORDER BY id", [lake.location("silver.flowers").uri])
        assert read.fetchall() == [(1,), (2,), (3,)]
