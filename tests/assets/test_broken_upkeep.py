"""Upkeep beside a table whose log cannot be read: the others are tended, and what it may need is left alone."""

from datetime import timedelta
from pathlib import Path

import pytest

from assets import rows
from assets.asset import Asset
from assets.materialize import Materializer
from assets.tending import Tender, Upkeep, lost_to_models
from lakehouse.duck import connect
from lakehouse.lake import Lake
from tests.assets.authored import copied, line_of_tree, made_by, numbers

pytestmark = pytest.mark.slow

TIMES = 3


def log_of(lake: Lake, key: str) -> Path:
    return Path(lake.location(key).uri) / "_delta_log"


def grown(lake: Lake, *declared: Asset) -> Materializer:
    """Three versions of each table."""
    for count in range(1, TIMES + 1):
        made = made_by(lake, numbers("bronze.top", range(count)), *declared)
        assert made.run().is_ok
    return made


def tended(made: Materializer, selection: str = "*", *, deep: bool = False) -> Upkeep:
    return Tender(made.lake, made.models, made.graph).run(selection, grace=timedelta(0), deep=deep)


def removed(upkeep: Upkeep) -> dict[str, int]:
    return {table.key: table.removed.files for table in upkeep.tables}


def failed(upkeep: Upkeep) -> list[str]:
    return [table.key for table in upkeep.tables if table.error]


def noted(upkeep: Upkeep) -> dict[str, str]:
    return {table.key: table.note for table in upkeep.tables if table.note}


def files(lake: Lake, key: str) -> int:
    return len(list(Path(lake.location(key).uri).glob("*.parquet")))


def test_the_inputs_of_a_broken_table_are_left_alone_and_the_others_are_tended(lake: Lake) -> None:
    made = grown(
        lake, copied("silver.mid", "bronze.top"), copied("gold.end", "silver.mid"), copied("gold.side", "silver.mid")
    )
    (log_of(lake, "gold.end") / f"{TIMES - 1:020}.json").write_text("garbage\n")
    done = tended(made)
    assert not done.is_ok
    assert failed(done) == ["gold.end"]
    assert removed(done) == {"bronze.top": TIMES - 1, "silver.mid": 0, "gold.end": 0, "gold.side": TIMES - 1}
    assert list(noted(done)) == ["silver.mid"]
    assert "gold.end" in noted(done)["silver.mid"]
    assert tended(made, "silver.mid").is_ok
    assert files(lake, "silver.mid") == TIMES


@pytest.mark.slow
def test_what_a_broken_table_read_by_its_stamps_alone_is_left_alone(lake: Lake) -> None:
    """Its definition is gone; and where not one of its stamps is left, its quarantine tells."""
    check = rows("id > 0", otherwise="quarantine")
    grown(lake, copied("silver.mid", "bronze.top", checks=[check]), copied("gold.end", "silver.mid"))
    undeclared = made_by(lake, numbers("bronze.top", range(TIMES)))
    (log_of(lake, "silver.mid") / f"{TIMES - 1:020}.json").write_text("garbage\n")
    assert list(noted(tended(undeclared))) == ["bronze.top"]
    for commit in log_of(lake, "silver.mid").glob("*.json"):
        commit.write_text("garbage\n")
    assert list(noted(tended(undeclared))) == ["bronze.top"]
    assert files(lake, "bronze.top") == TIMES


def test_deep_leaves_all_alone_that_a_broken_table_comes_from(lake: Lake) -> None:
    made = grown(lake, copied("silver.mid", "bronze.top"), copied("gold.end", "silver.mid"))
    (log_of(lake, "gold.end") / f"{TIMES - 1:020}.json").write_text("garbage\n")
    assert set(noted(tended(made, deep=True))) == {"bronze.top", "silver.mid"}
    assert set(noted(tended(made))) == {"silver.mid"}


def test_nothing_is_removed_while_the_journal_of_models_cannot_be_read(lake: Lake) -> None:
    made = grown(lake)
    log_of(lake, "ops.model_journal").mkdir(parents=True)
    (log_of(lake, "ops.model_journal") / f"{0:020}.json").write_text("garbage\n")
    done = tended(made)
    assert failed(done) == ["ops.model_journal"]
    assert "ops.model_journal" in noted(done)["bronze.top"]
    assert files(lake, "bronze.top") == TIMES


def test_a_broken_log_that_others_write_is_passed_over(lake: Lake) -> None:
    from assets import external

    made = grown(lake, external("outside.orders", table="outside/orders"))
    log_of(lake, "outside.orders").mkdir(parents=True)
    (log_of(lake, "outside.orders") / f"{0:020}.json").write_text("garbage\n")
    done = tended(made)
    assert done.is_ok
    assert removed(done) == {"bronze.top": TIMES - 1}


@pytest.mark.slow
def test_what_models_need_of_a_broken_table_is_told_beside_the_others(lake: Lake, store: Path) -> None:
    assert store.exists()
    made = grown(lake, copied("gold.rows", "bronze.top"), copied("gold.end", "bronze.top"), line_of_tree())
    (log_of(lake, "gold.end") / f"{TIMES - 1:020}.json").write_text("garbage\n")
    assert lost_to_models(lake, made.models, made.graph) == (TIMES, ())
    (log_of(lake, "gold.rows") / f"{TIMES - 1:020}.json").write_text("garbage\n")
    needed, lost = lost_to_models(lake, made.models, made.graph)
    assert (needed, len(lost)) == (TIMES, TIMES)
    assert lost[0].startswith("gold.rows v0 (models.tree v1 was trained on it), for the log file ")


def test_rows_that_duckdb_itself_inserted_make_nobody_else_the_writer(lake: Lake) -> None:
    made = grown(lake)
    place = lake.location("bronze.top").uri
    with connect(lake.settings) as duck:
        duck.execute(f"ATTACH '{place}' AS t (TYPE delta)")
        duck.execute("INSERT INTO t VALUES (77)")
    done = tended(made)
    assert done.is_ok
    assert [(table.engine, table.note) for table in done.tables] == [("duckdb", "")]
    assert removed(done) == {"bronze.top": TIMES - 1}
    assert lake.read_arrow("bronze.top").num_rows == TIMES + 1
