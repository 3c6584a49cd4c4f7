"""What an author of definitions holds in the hand: functions to call, and checks that are values."""

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

import assets
from assets import Trained, asset, external, matches, model, references, rows, unique
from assets.check import References, Rows, Unique
from assets.key import Reference
from assets.matching import Matches
from assets.sql_type import same_type

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@asset(
    "silver.orders",
    inputs={"raw": "bronze.raw_orders"},
    checks=[rows("amount >= 0", otherwise="quarantine"), unique("id")],
    owner="ann",
    tags={"line": "shop"},
)
def orders(raw: pa.Table, customers: pa.Table) -> pa.Table:
    """One row per order.

    With the customer's name.
    """
    return raw.join(customers, "id")


def test_an_author_needs_one_import() -> None:
    assert set(assets.__all__) == {
        "Approve",
        "Check",
        "CheckOutcome",
        "Cron",
        "Materialize",
        "OnUpdate",
        "Predictions",
        "Tend",
        "Trained",
        "WaitFor",
        "asset",
        "custom",
        "external",
        "fresh",
        "job",
        "matches",
        "merge",
        "model",
        "references",
        "row_count",
        "rows",
        "unique",
    }
    assert all(hasattr(assets, name) for name in assets.__all__)


def test_a_function_is_called_with_frames_and_without_any_platform() -> None:
    raw = pa.table({"id": [1, 2], "amount": [3.0, 4.0]})
    customers = pa.table({"id": [1, 2], "name": ["ann", "bo"]})
    for told in (orders(raw, customers), orders(customers=customers, raw=raw)):
        assert told.sort_by("id").to_pylist() == [  # type: ignore[attr-defined]
            {"id": 1, "amount": 3.0, "name": "ann"},
            {"id": 2, "amount": 4.0, "name": "bo"},
        ]


def test_a_model_is_called_like_its_function() -> None:
    @model("models.total", inputs={"orders": "silver.orders"})
    def total(orders: pa.Table) -> Trained:
        return Trained(model=sum(orders["id"].to_pylist()), features=("id",), metrics={}, example=orders)

    trained = total(pa.table({"id": [1, 2]}))
    assert isinstance(trained, Trained)
    assert (trained.model, trained.classes, trained.derived) == (3, (), {})


def test_an_input_is_named_in_full_or_by_its_parameter() -> None:
    assert orders.inputs == {"raw": Reference(key="bronze.raw_orders"), "customers": Reference(key="customers")}


def test_an_asset_tells_what_it_is() -> None:
    assert (orders.key, orders.owner, orders.tags, orders.write, orders.engine) == (
        "silver.orders",
        "ann",
        {"line": "shop"},
        "replace",
        "spark",
    )
    assert orders.description == "One row per order.\n\nWith the customer's name."
    assert orders.where.file == str(Path(__file__).relative_to(Path.cwd()))
    source = Path(__file__).read_text().splitlines()
    assert source[orders.where.line - 1] == "@asset("


def test_an_asset_is_a_value_that_nobody_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        orders.key = "silver.others"  # type: ignore[misc]


def test_an_external_tells_where_it_is_declared() -> None:
    landing = external("landing.orders", files="orders/*.csv", columns=["id", "amount"])
    assert landing.columns == ("id", "amount")
    assert "external(" in Path(landing.where.file).read_text().splitlines()[landing.where.line - 1]


def test_checks_are_values_with_the_names_that_stamps_tell() -> None:
    assert rows("a > 0") == Rows(expression="a > 0", otherwise="fail")
    assert unique("a", "b", otherwise="warn") == Unique(columns=("a", "b"), otherwise="warn")
    assert references("a", "silver.b", "c") == References(
        columns=("a",), table="silver.b", other_columns=("c",), otherwise="fail"
    )
    assert matches({"a": "double"}) == Matches(columns={"a": "double"}, otherwise="fail")
    assert [
        c.name for c in (rows("a > 0"), unique("a", "b"), references("a", "silver.b", "c"), matches({"a": "int"}))
    ] == [
        "a > 0",
        "unique(a, b)",
        "references(a, silver.b.c)",
        "matches(a int)",
    ]


def test_matches_names_what_is_missing_or_of_another_type_and_lets_others_stand() -> None:
    check = matches({"id": "bigint", "name": "string", "at": "timestamp"})
    assert check.mismatches({"id": "long", "name": "VARCHAR", "at": "timestamp with time zone", "more": "int"}) == ()
    assert check.mismatches({"id": "int", "name": "string"}) == (
        "column 'id' is int, wanted bigint",
        "column 'at' is missing, wanted timestamp",
    )


@pytest.mark.parametrize(
    ("one", "other"), [("VARCHAR", "string"), ("INTEGER", "int"), ("long", "bigint"), (" Bool ", "boolean")]
)
def test_the_engines_spellings_of_a_type_are_one_type(one: str, other: str) -> None:
    assert same_type(one) == same_type(other)


@pytest.mark.spark
def test_a_function_over_spark_frames_is_called_with_one(on_spark: str) -> None:
    from pyspark.sql import SparkSession

    @asset("silver.doubled")
    def doubled(numbers: "DataFrame") -> "DataFrame":
        return numbers.selectExpr("2 * id AS id")

    session = SparkSession.builder.remote(on_spark).getOrCreate()
    made = doubled(session.createDataFrame([(1,), (2,)], "id int"))
    assert [row.id for row in made.collect()] == [2, 4]  # type: ignore[attr-defined]
    session.stop()  # or else it looks for the server when the tests end, for ten minutes
