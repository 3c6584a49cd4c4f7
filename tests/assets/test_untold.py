"""One asset whose code version its text does not tell stops nothing but itself, and what waits for it."""

import importlib
import inspect

import pyarrow as pa
import pytest

from assets import asset
from assets.asset import TableAsset
from assets.errors import BadOption
from lakehouse.lake import Lake
from tests.assets.authored import actions, causes, copied, made_by, numbers, states

GIVE_ONE = "the code of silver.told is not all in its text: .*; wanted a version by hand: code='1'"


def untold(**options: str) -> TableAsset:
    """An asset that reaches code by a text."""

    @asset("silver.told", engine="duckdb", **options)  # type: ignore[arg-type]
    def told() -> pa.Table:
        assert inspect.getdoc(importlib.import_module("json"))
        return pa.table({"id": [1]})

    return told


def test_a_plan_tells_of_it_and_plans_the_rest(lake: Lake) -> None:
    planned = made_by(lake, untold(), copied("gold.reader", "silver.told"), numbers("silver.other", [1])).plan()
    assert states(planned) == {"silver.told": "BLOCKED", "gold.reader": "BLOCKED", "silver.other": "MISSING"}
    assert causes(planned, "gold.reader") == ("silver.told is blocked",)
    with pytest.raises(BadOption, match=GIVE_ONE) as error:
        raise made_by(lake, untold()).observe().observed.untold["silver.told"]
    assert causes(planned, "silver.told") == (str(error.value),)


def test_a_run_fails_it_and_makes_the_others(lake: Lake) -> None:
    done = made_by(lake, untold(), copied("gold.reader", "silver.told"), numbers("silver.other", [1])).run()
    assert actions(done) == {"silver.told": "failed", "gold.reader": "blocked", "silver.other": "made"}
    assert isinstance(done.outcomes[0].error or done.outcomes[1].error or done.outcomes[2].error, BadOption)
    assert not done.is_ok


def test_a_run_that_leaves_it_out_is_a_success(lake: Lake) -> None:
    assert made_by(lake, untold(), numbers("silver.other", [1])).run("silver.other").is_ok


def test_what_reads_it_is_made_from_what_it_once_was(lake: Lake) -> None:
    made_by(lake, untold(code="1")).run()
    later = made_by(lake, untold(), copied("gold.reader", "silver.told"))
    assert actions(later.run("gold.reader")) == {"gold.reader": "made"}
    planned = later.plan()
    assert states(planned) == {"silver.told": "BLOCKED", "gold.reader": "FRESH"}
    assert planned.steps[0].version == 0
