"""How an author says what becomes of the rows, and that a table has one writer for life."""

import json
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from assets import asset, merge, rows
from assets.asset import TableAsset
from assets.errors import BadOption
from lakehouse.errors import OtherWriter
from lakehouse.lake import Lake
from lakehouse.merge import Merge
from lakehouse.stamp import Stamp
from tests.assets.authored import actions, causes, flowers_landing, made_by, numbers, put


def test_a_merge_is_a_value() -> None:
    assert merge("id") == merge(["id"]) == Merge(on=("id",))
    assert merge(on=("a", "b"), delete="gone", drop="gone") == Merge(on=("a", "b"), delete="gone", drop=("gone",))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"write": "upsert"}, "write is 'upsert'; wanted one of 'replace', 'append', merge"),
        ({"write": merge(())}, r"on of merge\(...\) is \(\); wanted the names"),
        ({"write": merge(("a", "a"))}, "each name once.*'a' is there again"),
        ({"write": merge("a", delete="a", drop="a")}, "none of drop"),
        ({"write": merge("a", delete=" ")}, r"delete of merge\(...\)"),
        ({"write": merge("a", drop="b")}, r"drop of merge\(...\)"),
        ({"schema": "evolve"}, "schema is 'evolve'; wanted write='append' or merge"),
        ({"schema": "loose", "write": "append"}, "schema is 'loose'; wanted one of 'fixed', 'evolve'"),
    ],
)
def test_a_wrong_way_to_write_is_told_with_its_place(options: dict[str, object], said: str) -> None:
    with pytest.raises(BadOption, match=rf"test_write.py:\d+: .*{said}"):

        @asset("silver.wrong", **options)  # type: ignore[arg-type]
        def wrong() -> object:
            return None


def flowers(**options: object) -> TableAsset:
    """What the landed files tell of flowers, by id."""

    def made(landed: pa.Table) -> object:
        return landed.project("id, name")  # type: ignore[attr-defined]

    inputs = {"landed": "landing.flowers"}
    return asset("silver.garden", inputs=inputs, engine="duckdb", write=merge("id"), **options)(made)  # type: ignore[arg-type]


def test_a_merge_takes_each_landed_file_in_once_and_keeps_the_rows_of_files_that_are_gone(lake: Lake) -> None:
    declared = (flowers_landing(), flowers())
    first = put(lake, "one.csv", "id,name\n1,rose\n2,lily\n")
    assert made_by(lake, *declared).run().is_ok
    put(lake, "two.csv", "id,name\n2,tulip\n3,iris\n")
    first.unlink()
    assert actions(made_by(lake, *declared).run())["silver.garden"] == "made"
    told = {row["id"]: row["name"] for row in lake.read_arrow("silver.garden").to_pylist()}
    assert told == {"1": "rose", "2": "tulip", "3": "iris"}
    assert made_by(lake, *declared).plan().work == ()


def test_a_table_has_one_writer_for_life(lake: Lake) -> None:
    made_by(lake, numbers("bronze.raw", [1])).run()
    spark = made_by(lake, numbers("bronze.raw", [1], engine="spark"))
    assert causes(spark.plan(), "bronze.raw") == ("written by duckdb, declared for spark: will be refused",)
    done = spark.run()
    assert not done.is_ok
    error = done.outcomes[0].error
    assert isinstance(error, OtherWriter)
    assert str(error) == (
        "'bronze.raw' is written by 'duckdb', and a table has one writer for life; the asset says engine='spark': "
        "set engine='duckdb', or give the asset another key"
    )
    assert len(lake.history("bronze.raw")) == 1


@pytest.mark.slow
def test_a_table_of_an_older_program_is_known_by_who_signed_its_commits(lake: Lake) -> None:
    made_by(lake, numbers("bronze.raw", [1])).run()
    first = Path(lake.location("bronze.raw").uri) / "_delta_log" / f"{0:020}.json"
    assert lake.writer("bronze.raw") == "duckdb"
    first.write_text(first.read_text().replace(r"\"engine\":\"duckdb\",", ""))
    assert "engine" not in json.loads(json.loads(first.read_text().splitlines()[0])["commitInfo"]["userMetadata"])
    assert Lake.from_env().writer("bronze.raw") == "duckdb"
    first.write_text(first.read_text().replace("delta-rs:py-1.6.6", "Apache-Spark/4.2.0 Delta-Lake/4.4.0"))
    assert Lake.from_env().writer("bronze.raw") == "spark"
    done = made_by(Lake.from_env(), numbers("bronze.raw", [1, 2])).run()
    assert isinstance(done.outcomes[0].error, OtherWriter)


def test_a_table_of_which_only_a_checkpoint_is_left_has_no_writer_that_is_known(lake: Lake) -> None:
    made_by(lake, numbers("bronze.raw", [1])).run()
    place = lake.location("bronze.raw").uri
    deltalake.DeltaTable(place).create_checkpoint()
    (Path(place) / "_delta_log" / f"{0:020}.json").unlink()
    assert lake.writer("bronze.raw") is None


@pytest.mark.parametrize("engine", [["spark"], {"spark": 1}, 3, None])
def test_a_stamp_that_names_no_engine_makes_nobody_the_writer(lake: Lake, engine: object) -> None:
    made_by(lake, numbers("bronze.raw", [1])).run()
    stamp = Stamp(asset="bronze.raw", code="c", inputs={}, run="r", sequence=2, extra={"engine": engine})
    told = {"timestamp": 1, "operation": "WRITE", "userMetadata": stamp.encode()}
    log = Path(lake.location("bronze.raw").uri) / "_delta_log"
    (log / f"{1:020}.json").write_text(json.dumps({"commitInfo": told}) + "\n")
    assert lake.writer("bronze.raw") == "duckdb"


@pytest.mark.slow
def test_what_was_kept_back_has_one_writer_too(lake: Lake) -> None:
    failing = (rows("id > 0", otherwise="quarantine"), rows("id < 9"))
    made_by(lake, numbers("bronze.raw", [-1, 1], checks=failing)).run()
    (Path(lake.location("bronze.raw").uri) / "_delta_log" / f"{0:020}.json").unlink()
    done = made_by(lake, numbers("bronze.raw", [-1, 1], checks=failing, engine="spark")).run()
    error = done.outcomes[0].error
    assert isinstance(error, OtherWriter)
    assert error.key == "quarantine.bronze.raw"
