"""What is learned of the orders of either line: a tree, and what the newest one says of each order."""

from typing import TYPE_CHECKING

import pyarrow as pa

from assets import Trained, asset, model

if TYPE_CHECKING:
    import duckdb

    from assets.trained import Predictor


@model("models.sizes", inputs={"orders": "gold.sized"}, retries=1)
def sizes(orders: pa.Table) -> Trained:
    """Whether an order is large."""
    from sklearn.tree import DecisionTreeClassifier

    features = orders.select(["amount"])
    labels = orders["is_large"].to_pylist()
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(features.to_pandas(), labels)
    return Trained(model=tree, features=("amount",), metrics={"accuracy": 1.0}, example=features.slice(0, 2))


@asset("gold.predictions", inputs={"orders": "gold.sized", "tree": "models.sizes@candidate"}, engine="duckdb")
def predictions(orders: "duckdb.DuckDBPyRelation", tree: "Predictor") -> pa.Table:
    """What the candidate says of each order."""
    table = orders.select("id, amount").to_arrow_table()
    return table.append_column("told", pa.array([int(told) for told in tree.predict(table)]))
