"""A table whose own commits were cleaned out of its log, or whose last stamp is broken, is made again and counts on."""

from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assets import merge, rows
from assets.materialize import Materializer
from assets.release import released
from lakehouse.engine import EngineName
from lakehouse.lake import Lake
from tests.assets.authored import actions, causes, copied, flowers_landing, ids, made_by, numbers, put, states

pytestmark = pytest.mark.slow

KEY = "bronze.top"
ENGINES = ["duckdb", pytest.param("spark", marks=[pytest.mark.spark, pytest.mark.slow])]


def log_of(lake: Lake, key: str = KEY) -> Path:
    return Path(lake.location(key).uri) / "_delta_log"


def cleaned(lake: Lake, key: str = KEY) -> None:
    """Somebody changes a property, and what is older in the log is cleaned away behind a checkpoint."""
    table = deltalake.DeltaTable(lake.location(key).uri)
    table.alter.set_table_properties({"delta.checkpointInterval": "50"})
    table = deltalake.DeltaTable(lake.location(key).uri)
    table.create_checkpoint()
    for file in log_of(lake, key).glob("*.json"):
        if file.name[:20].isdecimal() and int(file.name[:20]) < table.version():
            file.unlink()


def sequences(lake: Lake, key: str = KEY) -> list[int]:
    return [commit.stamp.sequence for commit in lake.history(key) if commit.stamp]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_log_that_was_cleaned_past_the_last_stamp_is_counted_on_from_its_checkpoint(
    lake: Lake, engine: EngineName
) -> None:
    for count in (1, 2, 3):
        made_by(lake, numbers(KEY, range(count), engine=engine), copied("silver.rest", KEY)).run()
    cleaned(lake)
    assert sequences(lake) == []
    made = made_by(Lake.from_env(), numbers(KEY, range(4), engine=engine), copied("silver.rest", KEY))
    assert states(made.plan()) == {KEY: "MISSING", "silver.rest": "STALE"}
    assert set(actions(made.run()).values()) == {"made"}
    assert sequences(lake) == [4]
    assert ids(lake, "silver.rest") == [0, 1, 2, 3]
    assert set(states(made.plan()).values()) == {"FRESH"}


@pytest.mark.spark
@pytest.mark.slow
def test_merges_by_spark_are_counted_on_from_the_checkpoint(lake: Lake) -> None:
    def made(count: int) -> Materializer:
        return made_by(lake, numbers(KEY, range(count), engine="spark", write=merge(on="id")))

    for count in (1, 2):
        assert made(count).run().is_ok
    cleaned(lake)
    assert made(3).run().is_ok
    assert (sequences(lake), ids(lake, KEY)) == ([3], [0, 1, 2])


def test_a_command_that_knew_the_log_before_it_was_cleaned_counts_on(lake: Lake) -> None:
    for count in (1, 2):
        made_by(lake, numbers(KEY, range(count))).run()
    assert states(made_by(lake, numbers(KEY, range(2))).plan()) == {KEY: "FRESH"}
    cleaned(lake)
    assert made_by(lake, numbers(KEY, range(3))).run().is_ok
    assert sequences(lake) == [3]


def test_a_stamp_that_is_broken_is_counted_all_the_same(lake: Lake) -> None:
    for count in (1, 2):
        made_by(lake, numbers(KEY, range(count))).run()
    newest = log_of(lake) / f"{1:020}.json"
    newest.write_text(newest.read_text().replace('\\"lakeline\\":1', '\\"lakeline\\":null'))
    assert sequences(lake) == [1]
    made = made_by(lake, numbers(KEY, range(3)))
    assert made.run().is_ok
    assert sequences(lake) == [1, 3]
    assert states(made.plan()) == {KEY: "FRESH"}


def test_what_others_counted_is_not_ours(lake: Lake) -> None:
    made_by(lake, numbers(KEY, [1])).run()
    transactions = [deltalake.Transaction("other", 77), deltalake.Transaction("bronze.to", 9)]
    deltalake.write_deltalake(
        lake.location(KEY).uri,
        lake.read_arrow(KEY),
        mode="append",
        commit_properties=deltalake.CommitProperties(app_transactions=transactions),
    )
    assert made_by(lake, numbers(KEY, [1, 2])).run().is_ok
    assert sequences(lake) == [1, 2]


def test_rows_are_released_after_a_commit_whose_stamp_is_broken(lake: Lake) -> None:
    check = rows("id > 0", otherwise="quarantine")
    declared = numbers("bronze.raw", [1, -2]), copied(KEY, "bronze.raw", checks=[check], write="append")
    for _ in range(2):
        made = made_by(lake, *declared)
        made.run(force=True)
    newest = log_of(lake) / f"{1:020}.json"
    newest.write_text(newest.read_text().replace('\\"lakeline\\":1', '\\"lakeline\\":null'))

    def mended(schema: pa.Schema) -> pa.Table:
        kept = lake.read_arrow(f"quarantine.{KEY}")
        first = kept.filter(pc.equal(kept["sequence"], 1))
        return pa.table({"row_id": first["row_id"], "id": [2]}).cast(schema)

    done = released(lake, made.models, made.graph, KEY, mended, "a sign too much")
    assert (done.released, ids(lake, KEY), sequences(lake)) == (1, [1, 1, 2], [1, 3])


def test_an_append_whose_last_stamp_is_gone_is_not_doubled_unless_it_is_forced(lake: Lake) -> None:
    declared = flowers_landing(), copied("bronze.flowers_raw", "landing.flowers", write="append")
    for name in ("a", "b"):
        put(lake, f"{name}.csv", f"id,name\n{name},rose\n")
        made_by(lake, *declared).run()
    cleaned(lake, "bronze.flowers_raw")
    put(lake, "c.csv", "id,name\nc,rose\n")
    made = made_by(lake, *declared)
    assert states(made.plan()) == {"bronze.flowers_raw": "BLOCKED"}
    assert "append number 2" in causes(made.plan(), "bronze.flowers_raw")[0]
    assert actions(made.run()) == {"bronze.flowers_raw": "blocked"}
    assert ids(lake, "bronze.flowers_raw") == ["a", "b"]
    (lake.settings.landing / "flowers" / "a.csv").unlink()
    (lake.settings.landing / "flowers" / "b.csv").unlink()
    assert made.run(force=True).is_ok
    assert ids(lake, "bronze.flowers_raw") == ["a", "b", "c"]
    assert states(made.plan()) == {"bronze.flowers_raw": "FRESH"}
