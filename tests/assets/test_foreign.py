"""A table of others that stands where an asset's table belongs is not written over without a person's word."""

import deltalake
import pyarrow as pa
import pytest

from assets.errors import ForeignTable
from lakehouse.lake import Lake
from tests.assets.authored import actions, causes, copied, made_by, numbers, states


def theirs(lake: Lake, key: str) -> deltalake.DeltaTable:
    """A table that another program wrote."""
    uri = lake.location(key).uri
    deltalake.write_deltalake(uri, pa.table({"id": [7, 8]}))
    return deltalake.DeltaTable(uri)


def test_a_plan_says_that_the_table_is_not_the_assets_own(lake: Lake) -> None:
    theirs(lake, "silver.one")
    planned = made_by(lake, numbers("silver.one", [1]), numbers("silver.two", [1])).plan()
    assert states(planned) == {"silver.one": "BLOCKED", "silver.two": "MISSING"}
    assert "by no run of 'silver.one'" in causes(planned, "silver.one")[0]


@pytest.mark.slow
def test_a_run_fails_it_and_leaves_it_as_it_is(lake: Lake) -> None:
    table = theirs(lake, "silver.one")
    done = made_by(
        lake, numbers("silver.one", [1]), copied("gold.reader", "silver.one"), numbers("silver.two", [1])
    ).run()
    assert actions(done) == {"silver.one": "failed", "gold.reader": "skipped", "silver.two": "made"}
    assert [type(o.error) for o in done.outcomes if o.error] == [ForeignTable]
    table.update_incremental()
    assert (table.version(), table.to_pyarrow_table().column("id").to_pylist()) == (0, [7, 8])


@pytest.mark.slow
def test_force_writes_over_it_and_the_asset_owns_it_from_then_on(lake: Lake) -> None:
    theirs(lake, "silver.one")
    made = made_by(lake, numbers("silver.one", [1]))
    assert actions(made.run(force=True)) == {"silver.one": "made"}
    assert states(made.plan()) == {"silver.one": "FRESH"}
    held = lake.query("select id from lakeline.at('silver.one', 0) order by id").column("id").to_pylist()
    assert held == [7, 8]
