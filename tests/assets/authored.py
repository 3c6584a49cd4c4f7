"""Small definitions, as an author writes them, and what makes them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from assets import Trained, asset, external, model
from assets.asset import Asset, External, ModelAsset, TableAsset
from assets.graph import Graph
from assets.materialize import Done, Materializer
from assets.plan import Plan
from lakehouse.lake import Lake
from registry.models import Models

if TYPE_CHECKING:
    import duckdb

QUIET = 1_700_000_000


def made_by(lake: Lake, *declared: Asset) -> Materializer:
    """What makes the declared assets in a lake; it tries again at once."""
    return Materializer(lake, Models.from_env(lake), Graph.of(declared), sleep=lambda seconds: None)


def numbers(key: str, ids: Iterable[int], **options: object) -> TableAsset:
    """A table without inputs, of one column; other ids are other code."""
    held = list(ids)

    def made() -> pa.Table:
        return pa.table({"id": pa.array(held, pa.int64())})

    return asset(key, **{"engine": "duckdb", **options})(made)  # type: ignore[arg-type]


def copied(key: str, of: str, **options: object) -> TableAsset:
    """A table of the rows of another."""

    def made(rows: "duckdb.DuckDBPyRelation") -> "duckdb.DuckDBPyRelation":
        return rows

    return asset(key, inputs={"rows": of}, **{"engine": "duckdb", **options})(made)  # type: ignore[arg-type]


def joined(key: str, *of: str) -> TableAsset:
    """A table of the rows of up to three others."""

    def two(a: "duckdb.DuckDBPyRelation", b: "duckdb.DuckDBPyRelation") -> "duckdb.DuckDBPyRelation":
        return a.union(b)

    def three(
        a: "duckdb.DuckDBPyRelation", b: "duckdb.DuckDBPyRelation", c: "duckdb.DuckDBPyRelation"
    ) -> "duckdb.DuckDBPyRelation":
        return a.union(b).union(c)

    inputs = dict(zip("abc", of, strict=False))
    return asset(key, inputs=inputs, engine="duckdb")({2: two, 3: three}[len(of)])


def broken(key: str, of: str) -> TableAsset:
    """A table whose function raises."""

    def made(rows: object) -> object:
        raise ZeroDivisionError("no flowers today")

    return asset(key, inputs={"rows": of}, engine="duckdb")(made)


def line_of_tree(key: str = "models.tree", of: str = "gold.rows", depth: int = 2) -> ModelAsset:
    """A model that learns whether an id is above 4."""

    def trained(rows: pa.Table) -> Trained:
        from sklearn.tree import DecisionTreeClassifier

        features = rows.select(["id"])
        labels = [int(number > 4) for number in rows["id"].to_pylist()]
        fitted = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(features.to_pandas(), labels)
        return Trained(
            model=fitted,
            features=("id",),
            metrics={"accuracy": 0.9},
            example=features.slice(0, 2),
            classes=("low", "high"),
        )

    return model(key, inputs={"rows": of})(trained)


def told_by(key: str, alias: str, of: str = "gold.rows", named: str = "models.tree") -> TableAsset:
    """What the model under an alias predicts of each row."""

    def made(rows: "duckdb.DuckDBPyRelation", tree: object) -> pa.Table:
        table = rows.to_arrow_table()
        return table.append_column("told", pa.array([int(told) for told in tree.predict(table)]))  # type: ignore[attr-defined]

    return asset(key, inputs={"rows": of, "tree": f"{named}@{alias}"}, engine="duckdb")(made)


def flowers_landing(pattern: str = "flowers/*.csv") -> External:
    """Files of two columns."""
    return external("landing.flowers", files=pattern, columns=("id", "name"))


def put(lake: Lake, name: str, text: str) -> Path:
    """Puts a file that nobody writes to any more into the landing folder."""
    path = lake.settings.landing / "flowers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (QUIET, QUIET))
    return path


def ids(lake: Lake, key: str, version: int | None = None) -> list[object]:
    """The ids that a table holds, sorted."""
    return sorted(lake.read_arrow(key, version)["id"].to_pylist())


def actions(done: Done) -> dict[str, str]:
    """What came of each asset."""
    return {outcome.key: outcome.action for outcome in done.outcomes}


def states(planned: Plan) -> dict[str, str]:
    """What the plan says of each asset."""
    return {step.key: step.state for step in planned.steps}


def causes(planned: Plan, key: str) -> tuple[str, ...]:
    """Why the plan says so."""
    return next(step.causes for step in planned.steps if step.key == key)
