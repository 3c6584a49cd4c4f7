"""Definitions of a shop, with a diamond, and jobs over them."""

from datetime import timedelta

from assets import Check, Cron, Materialize, OnUpdate, Trained, WaitFor, asset, external, job, model, unique

landed = external("landing.order_files", files="orders/*.csv", columns=("id",))
prices = external("landing.prices", table="foreign/prices")


@asset("bronze.orders", inputs={"rows": "landing.order_files"}, owner="ann", retries=4, tags={"source": "till"})
def bronze(rows: object) -> object:
    """One row per order."""
    return rows


@asset("silver.left", inputs={"rows": "bronze.orders"}, checks=[unique("id", otherwise="fail")])
def left(rows: object) -> object:
    """The left side."""
    return rows


@asset("silver.right", inputs={"rows": "bronze.orders"}, pool="wide", timeout=timedelta(minutes=3))
def right(rows: object) -> object:
    """The right side."""
    return rows


@model("models.sizes", inputs={"left": "silver.left", "right": "silver.right"})
def sizes(left: object, right: object) -> Trained:
    """How large orders are."""
    raise NotImplementedError


tables = job("tables", steps=[Materialize("bronze.*, silver.*")], schedule=Cron.at("0 6 * * *", "Europe/Berlin"))
training = job(
    "training",
    steps=[
        Materialize("silver.*", by="step", name="refresh", owns=False),
        WaitFor("models.sizes", "staging", timeout=timedelta(hours=1)),
        Materialize("models.sizes", by="step", name="train"),
    ],
    schedule=[OnUpdate.all("silver.left", "silver.right"), Cron.at("0 7 * * *")],
    owner="bob",
    pool="small",
    timeout=timedelta(minutes=10),
    tags={"line": "shop"},
)
watching = job(
    "watching",
    steps=[Check("silver.left", "models.sizes"), Check("silver.right", "models.sizes", "staging", name="of_staging")],
    schedule=Cron.at("*/15 * * * *"),
)
