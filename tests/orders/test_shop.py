"""A line of another domain, from landed files to gold, on both engines: the layer knows nothing of it."""

import random
from dataclasses import replace

import deltalake
import pyarrow as pa
import pytest

from assets.asset import TableAsset
from assets.catalog import load
from assets.graph import Graph
from assets.materialize import Materializer
from lakehouse.engine import EngineName
from lakehouse.lake import Lake
from registry.models import Models
from tests.assets.authored import actions, causes, states
from tests.orders.shop import Shop

pytestmark = pytest.mark.slow

TABLES = ("bronze.order_events", "bronze.payment_events", "silver.orders", "silver.payments", "silver.customers")
GOLD = ("gold.open_orders", "gold.balances")


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest) -> EngineName:
    if request.param == "spark":
        request.getfixturevalue("on_spark")
    name: EngineName = request.param
    return name


@pytest.fixture
def lake(engine: EngineName) -> Lake:
    return Lake.from_env()


@pytest.fixture
def line(lake: Lake, engine: EngineName) -> Materializer:
    """The shop's definitions, all of them on one engine."""
    declared = load(["tests.orders.definitions"]).assets.values()
    chosen = (replace(one, engine=engine) if isinstance(one, TableAsset) else one for one in declared)
    return Materializer(lake, Models.from_env(lake), Graph.of(chosen))


@pytest.fixture
def shop(lake: Lake) -> Shop:
    return Shop(random.Random(7), lake.settings.landing)


def tell_crm(lake: Lake, shop: Shop, people: dict[int, str]) -> None:
    """The CRM writes its table anew, in its own way and without a stamp."""
    shop.people = people
    names = [f" {name}" for name in people.values()]
    columns = {"customer_id": pa.array(people, pa.int32()), "name": names, "country": ["DE"] * len(people)}
    rows = pa.table(columns)
    deltalake.write_deltalake(lake.location("crm.people").uri, rows, mode="overwrite")


def check_tables(lake: Lake, shop: Shop) -> None:
    """All that the tables hold is what plain Python says."""
    orders = {
        row["order_id"]: (row["customer_id"], row["amount"]) for row in lake.read_arrow("silver.orders").to_pylist()
    }
    assert orders == shop.kept
    assert lake.read_arrow("silver.orders").column_names == ["order_id", "customer_id", "amount"]
    due = {row["order_id"]: row["due"] for row in lake.read_arrow("gold.open_orders").to_pylist()}
    assert due == {number: shop.due(number) for number in shop.kept}
    told = {
        row["customer_id"]: (row["name"], row["orders"], row["due"])
        for row in lake.read_arrow("gold.balances").to_pylist()
    }
    assert told == shop.balances()
    kept_back = (
        lake.read_arrow("quarantine.silver.orders").to_pylist() if lake.history("quarantine.silver.orders") else []
    )
    newest = max(commit.stamp.sequence for commit in lake.history("silver.orders") if commit.stamp)
    assert {row["order_id"] for row in kept_back if row["sequence"] == newest} == shop.refused


@pytest.mark.long_on_spark
def test_the_shop_is_made_and_kept_up_with_what_arrives(line: Materializer, lake: Lake, shop: Shop) -> None:
    assert set(states(line.plan()).values()) == {"BLOCKED"}
    assert causes(line.plan(), "silver.customers") == ("crm.people does not exist yet",)
    tell_crm(lake, shop, {1: "ann", 2: "bo", 3: "cy", 4: "di"})
    shop.day(30)
    done = line.run()
    assert done.is_ok, [str(outcome.error) for outcome in done.outcomes if outcome.error]
    assert actions(done) == dict.fromkeys((*TABLES, *GOLD), "made")
    check_tables(lake, shop)
    assert line.plan().work == ()

    for _ in range(2):
        shop.day()
        planned = line.plan()
        assert states(planned)["silver.customers"] == "FRESH"
        assert causes(planned, "gold.balances") == (
            "upstream silver.orders will run",
            "upstream gold.open_orders will run",
        )
        assert line.run().is_ok
        check_tables(lake, shop)
        assert line.plan().work == ()
    assert [c.stamp and c.stamp.sequence for c in lake.history("silver.orders")] == [1, 2, 3]

    tell_crm(lake, shop, {1: "ann", 2: "bob", 4: "di", 5: "eve"})
    planned = line.plan()
    assert [step.key for step in planned.work] == ["silver.customers", "gold.balances"]
    assert causes(planned, "silver.customers") == ("input crm.people v0 -> v1",)
    assert line.run().is_ok
    check_tables(lake, shop)

    check_lineage(lake)
    assert line.run("silver.orders+", force=True).is_ok
    check_tables(lake, shop)


def check_lineage(lake: Lake) -> None:
    """Every version tells which versions it was made from, back to what others sent."""
    for key in (*TABLES, *GOLD):
        stamp = lake.history(key)[-1].stamp
        assert stamp
        for read, used in stamp.inputs.items():
            if lake.history(read):
                assert used.table_version == lake.history(read)[-1].table_version, (key, read)
    balances = lake.history("gold.balances")[-1].stamp
    assert balances
    assert set(balances.inputs) == {"silver.customers", "silver.orders", "gold.open_orders"}
