"""A small line on DuckDB: orders from landed files, what is wrong with them kept back, and what a model learns from them."""

import duckdb

from assets import asset, external, rows, unique

landing = external("landing.order_files", files="orders/*.csv", columns=("id", "amount"))


@asset("bronze.received", inputs={"arrivals": "landing.order_files"}, write="append", engine="duckdb")
def received(arrivals: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The orders as they were sent."""
    return arrivals


@asset(
    "silver.orders",
    inputs={"received": "bronze.received"},
    checks=[rows("amount > 0", otherwise="quarantine"), unique("id", otherwise="fail")],
    engine="duckdb",
)
def orders(received: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """One row per order."""
    return received.project("cast(id AS BIGINT) AS id, try_cast(amount AS DOUBLE) AS amount")


@asset("gold.sized", inputs={"orders": "silver.orders"}, engine="duckdb")
def sized(orders: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """One row per order, with its size."""
    return orders.project("id, amount, cast(amount > 50 AS INTEGER) AS is_large")
