"""The same small line on Spark."""

from pyspark.sql import DataFrame

from assets import asset, external, rows, unique

landing = external("landing.order_files", files="orders/*.csv", columns=("id", "amount"))


@asset("bronze.received", inputs={"arrivals": "landing.order_files"}, write="append")
def received(arrivals: DataFrame) -> DataFrame:
    """The orders as they were sent."""
    return arrivals


@asset(
    "silver.orders",
    inputs={"received": "bronze.received"},
    checks=[rows("amount > 0", otherwise="quarantine"), unique("id", otherwise="fail")],
)
def orders(received: DataFrame) -> DataFrame:
    """One row per order."""
    return received.selectExpr("cast(id AS BIGINT) AS id", "try_cast(amount AS DOUBLE) AS amount")


@asset("gold.sized", inputs={"orders": "silver.orders"})
def sized(orders: DataFrame) -> DataFrame:
    """One row per order, with its size."""
    return orders.selectExpr("id", "amount", "cast(amount > 50 AS INTEGER) AS is_large")
