"""One table whose log cannot be read stops what reads it, and nothing else."""

from pathlib import Path

import pyarrow as pa
import pytest

from assets import external
from assets.asset import TableAsset
from assets.errors import UnknownVersion
from assets.lineage import Lineage
from lakehouse.errors import BadQuery, LogUnreadable, PlatformError
from lakehouse.lake import Lake
from tests.assets.authored import actions, causes, copied, made_by, numbers, states

pytestmark = pytest.mark.slow

GARBAGE = "00000000000000000001.json"


def breaks(lake: Lake, key: str) -> Path:
    """Puts a garbage file into a table's log, and says which."""
    file = Path(lake.location(key).uri) / "_delta_log" / GARBAGE
    file.write_text("not json\n")
    return file


@pytest.fixture
def broken(lake: Lake) -> Lake:
    """A lake with two lines of two tables, of which one has a garbage file in the log of its first table."""
    made_by(lake, *line("a"), *line("b")).run()
    breaks(lake, "bronze.raw_a")
    return lake


def line(name: str, number: int = 1) -> tuple[TableAsset, TableAsset]:
    return numbers(f"bronze.raw_{name}", [number]), copied(f"silver.{name}", f"bronze.raw_{name}")


def test_a_plan_says_which_log_is_broken_and_plans_the_rest(broken: Lake) -> None:
    planned = made_by(broken, *line("a"), *line("b", 2)).plan()
    assert states(planned) == {
        "bronze.raw_a": "BLOCKED",
        "silver.a": "BLOCKED",
        "bronze.raw_b": "STALE",
        "silver.b": "STALE",
    }
    assert GARBAGE in causes(planned, "bronze.raw_a")[0]
    assert causes(planned, "silver.a") == ("bronze.raw_a is blocked",)


def test_a_plan_of_a_reader_alone_says_why_it_cannot_be_made(broken: Lake) -> None:
    planned = made_by(broken, *line("a"), *line("b")).plan("silver.a")
    assert states(planned) == {"silver.a": "BLOCKED"}
    assert "bronze.raw_a cannot be read" in causes(planned, "silver.a")[0]


def test_a_run_fails_the_broken_table_and_makes_the_others(broken: Lake) -> None:
    done = made_by(broken, *line("a"), *line("b", 2)).run()
    assert actions(done) == {
        "bronze.raw_a": "failed",
        "silver.a": "blocked",
        "bronze.raw_b": "made",
        "silver.b": "made",
    }
    assert not done.is_ok
    assert isinstance(done.outcomes[0].error, LogUnreadable)


def test_a_foreign_table_with_a_broken_log_fails_its_reader(lake: Lake) -> None:
    lake.append("foreign.orders", pa.table({"id": [1]}), metadata="")
    declared = (
        external("landing.foreign", table=lake.location("foreign.orders").uri),
        copied("bronze.orders", "landing.foreign"),
        numbers("bronze.raw_b", [1]),
    )
    breaks(lake, "foreign.orders")
    assert actions(made_by(lake, *declared).run()) == {"bronze.orders": "failed", "bronze.raw_b": "made"}


def test_a_table_is_made_again_once_its_log_is_repaired(broken: Lake) -> None:
    (Path(broken.location("bronze.raw_a").uri) / "_delta_log" / GARBAGE).unlink()
    assert set(states(made_by(broken, *line("a"), *line("b")).plan()).values()) == {"FRESH"}


def test_lineage_tells_of_the_others_and_of_the_broken_one_when_asked(broken: Lake) -> None:
    traced = Lineage.of(broken)
    assert set(traced.versions) == {"bronze.raw_b", "silver.a", "silver.b"}
    with pytest.raises(LogUnreadable, match=GARBAGE):
        traced.find("bronze.raw_a")
    with pytest.raises(UnknownVersion):
        traced.find("bronze.raw_c")


def test_sql_has_no_view_of_the_broken_one_and_says_so(broken: Lake) -> None:
    told: list[str] = []
    lake = Lake(broken.settings, told.append)
    assert lake.query("SELECT * FROM silver.b").to_pylist() == [{"id": 1}]
    assert [line.split(":")[0] for line in told] == ["bronze.raw_a has no view"]
    with pytest.raises(BadQuery):
        lake.query("SELECT * FROM bronze.raw_a")
    assert {row["table"] for row in lake.query('SELECT "table" FROM lakeline.history').to_pylist()} == {
        "bronze.raw_b",
        "silver.a",
        "silver.b",
    }


def test_a_journal_that_cannot_be_read_blocks_the_models_alone(broken: Lake) -> None:
    from tests.assets.authored import line_of_tree

    log = Path(broken.location("ops.model_journal").uri) / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("not json\n")
    planned = made_by(broken, *line("b"), line_of_tree(of="silver.b")).plan()
    assert states(planned) == {"bronze.raw_b": "FRESH", "silver.b": "FRESH", "models.tree": "BLOCKED"}
    assert isinstance(dict(broken.histories())["ops.model_journal"], PlatformError)
