"""A shop: orders that change and are cancelled, payments, and customers that another system keeps.

The functions say SQL that both engines know, so one word chooses the engine for all of them.
"""

import os

from assets import asset, external, matches, merge, references, rows, unique
from lakehouse.engine import EngineName
from tests.orders.sql import query

ENGINE: EngineName = "spark" if os.environ.get("SHOP_ENGINE") == "spark" else "duckdb"

order_files = external(
    "landing.order_files", files="orders/*.csv", columns=("order_id", "customer_id", "amount", "state", "changed")
)
payment_files = external("landing.payment_files", files="payments/*.csv", columns=("payment_id", "order_id", "cents"))
crm_customers = external("crm.people", table="crm/people", description="Kept by the CRM, which writes Delta itself.")


@asset("bronze.order_events", inputs={"arrivals": "landing.order_files"}, write="append", engine=ENGINE)
def order_events(arrivals: object) -> object:
    """What was told of orders, as it was told."""
    return arrivals


@asset("bronze.payment_events", inputs={"arrivals": "landing.payment_files"}, write="append", engine=ENGINE)
def payment_events(arrivals: object) -> object:
    """What was told of payments."""
    return arrivals


@asset(
    "silver.orders",
    inputs={"events": "bronze.order_events"},
    write=merge(on="order_id", delete="state = 'cancelled'", drop="state"),
    checks=[rows("amount >= 0", otherwise="quarantine"), unique("order_id", otherwise="fail")],
    tags={"line": "shop"},
    engine=ENGINE,
)
def orders(events: object) -> object:
    """One row per order that was not cancelled, as it was told last."""
    return query(
        """
        SELECT CAST(order_id AS BIGINT) AS order_id, CAST(customer_id AS INT) AS customer_id,
               try_cast(amount AS DECIMAL(12, 2)) AS amount, state
        FROM (
            SELECT *, row_number() OVER (PARTITION BY order_id ORDER BY CAST(changed AS INT) DESC) AS place
            FROM {events}
        ) AS told
        WHERE place = 1
        """,
        events=events,
    )


@asset(
    "silver.payments",
    inputs={"events": "bronze.payment_events", "orders": "silver.orders"},
    checks=[
        rows("cents > 0", otherwise="quarantine"),
        unique("payment_id", otherwise="fail"),
        references("order_id", "silver.orders", "order_id", otherwise="warn"),
    ],
    engine=ENGINE,
)
def payments(events: object, orders: object) -> object:
    """One row per payment."""
    return query(
        """
        SELECT DISTINCT CAST(payment_id AS BIGINT) AS payment_id, CAST(order_id AS BIGINT) AS order_id,
               CAST(cents AS BIGINT) AS cents
        FROM {events}
        """,
        events=events,
    )


@asset(
    "silver.customers",
    inputs={"people": "crm.people"},
    checks=[unique("customer_id"), matches({"customer_id": "int", "name": "string"})],
    engine=ENGINE,
)
def customers(people: object) -> object:
    """One row per customer whom the CRM knows."""
    return query("SELECT customer_id, trim(name) AS name, country FROM {people}", people=people)


@asset("gold.open_orders", inputs={"orders": "silver.orders", "payments": "silver.payments"}, engine=ENGINE)
def open_orders(orders: object, payments: object) -> object:
    """One row per order, with what is still to be paid."""
    return query(
        """
        SELECT o.order_id, o.customer_id, o.amount,
               CAST(o.amount - coalesce(sum(p.cents), 0) / 100 AS DECIMAL(12, 2)) AS due
        FROM {orders} AS o LEFT JOIN {payments} AS p ON p.order_id = o.order_id
        GROUP BY o.order_id, o.customer_id, o.amount
        """,
        orders=orders,
        payments=payments,
    )


@asset(
    "gold.balances",
    inputs={"customers": "silver.customers", "orders": "silver.orders", "open_orders": "gold.open_orders"},
    checks=[unique("customer_id")],
    engine=ENGINE,
)
def balances(customers: object, orders: object, open_orders: object) -> object:
    """One row per customer: how many orders, and what is due; orders come both directly and by what is open of them."""
    return query(
        """
        SELECT c.customer_id, c.name, count(o.order_id) AS orders,
               CAST(coalesce(sum(d.due), 0) AS DECIMAL(18, 2)) AS due
        FROM {customers} AS c
        LEFT JOIN {orders} AS o ON o.customer_id = c.customer_id
        LEFT JOIN {open_orders} AS d ON d.order_id = o.order_id
        GROUP BY c.customer_id, c.name
        """,
        customers=customers,
        orders=orders,
        open_orders=open_orders,
    )
