"""Definitions of a line whose input moves while a run reads it: another system writes orders, right in the middle."""

import os
from pathlib import Path

import deltalake
import duckdb
import pyarrow as pa

from assets import asset, external

outside = external("outside.orders", table="outside/orders")


def an_order_arrives(number: int) -> None:
    """What the other system does."""
    place = Path(os.environ["LAKE_ROOT"]) / "outside" / "orders"
    deltalake.write_deltalake(str(place), pa.table({"number": [number]}), mode="append")


@asset("silver.first", inputs={"orders": "outside.orders"}, engine="duckdb")
def first(orders: duckdb.DuckDBPyRelation) -> pa.Table:
    """The orders; another one arrives after they were read and before they are published."""
    read = orders.to_arrow_table()
    an_order_arrives(2)
    return read


@asset("gold.second", inputs={"orders": "outside.orders", "first": "silver.first"}, engine="duckdb")
def second(orders: duckdb.DuckDBPyRelation, first: duckdb.DuckDBPyRelation) -> pa.Table:
    """The orders again, with how many the other side of the diamond saw."""
    seen = first.count("*").fetchall()[0][0]
    return orders.select(f"*, {seen} AS seen_by_first").to_arrow_table()
