"""One model that is read by two of its aliases, as a comparison of both does."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from assets import Trained, asset, model
from assets.asset import Asset, ModelAsset, TableAsset
from assets.gate import Gate
from assets.graph import Graph
from assets.lineage import Lineage
from assets.materialize import Materializer
from assets.tending import standing
from assets.upkeep import wants
from lakehouse.lake import Lake
from lakehouse.stamp import InputVersion, Stamp
from registry.models import Models
from registry.promote import Rule
from registry.tags import inputs_of, tags_of
from tests.assets.authored import causes, line_of_tree, made_by, numbers, states

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("store")]


def line(*last: Asset, depth: int = 1) -> tuple[Asset, ...]:
    """Rows, a model of them, and what reads it."""
    return (numbers("gold.rows", range(10)), line_of_tree(depth=depth), *last)


def duel(old: str = "production", new: str = "staging") -> TableAsset:
    """What two versions of one model say of the same rows."""

    def judged(rows: object, old: object, new: object) -> pa.Table:
        table = rows.to_arrow_table()  # type: ignore[attr-defined]
        both = {name: pa.array([int(told) for told in tree.predict(table)]) for name, tree in (("a", old), ("b", new))}  # type: ignore[attr-defined]
        return pa.table({"id": table["id"], **both})

    inputs = {"rows": "gold.rows", "old": f"models.tree@{old}", "new": f"models.tree@{new}"}
    return asset("gold.duel", inputs=inputs, engine="duckdb", code="1")(judged)


def pupil() -> ModelAsset:
    """A model that is made from two versions of another."""

    def taught(rows: pa.Table, old: object, new: object) -> Trained:
        features = rows.select(["id"])
        labels = old.predict(features) | new.predict(features)  # type: ignore[attr-defined]
        from sklearn.tree import DecisionTreeClassifier

        fitted = DecisionTreeClassifier(random_state=0).fit(features.to_pandas(), labels)
        return Trained(model=fitted, features=("id",), metrics={"accuracy": 1.0}, example=features.slice(0, 2))

    inputs = {"rows": "gold.rows", "old": "models.tree@production", "new": "models.tree@staging"}
    return model("models.pupil", inputs=inputs, code="1")(taught)


@pytest.fixture
def trained(lake: Lake) -> Models:
    """Two versions: the first is in production, the second in staging."""
    for depth in (1, 2):
        made_by(lake, *line(depth=depth)).run()
    models = Models.from_env(lake)
    for version, alias in ((1, "staging"), (1, "production"), (2, "staging")):
        models.promote("tree", version, alias, by="ann", why="reviewed")
    return models


def made(lake: Lake, *last: Asset) -> Materializer:
    """Makes what reads the model."""
    materializer = made_by(lake, *line(*last, depth=2))
    done = materializer.run("gold.duel" if last[0].key == "gold.duel" else "models.pupil")
    assert done.is_ok
    return materializer


def test_either_alias_that_moves_makes_the_reader_stale(lake: Lake, trained: Models) -> None:
    materializer = made(lake, duel())
    assert states(materializer.plan("gold.duel")) == {"gold.duel": "FRESH"}
    stamp = lake.history("gold.duel")[-1].stamp
    assert stamp
    told = {name: (read.version, read.alias) for name, read in stamp.inputs.items()}
    assert told == {
        "gold.rows": (0, None),
        "models.tree@production": (1, "production"),
        "models.tree@staging": (2, "staging"),
    }
    trained.promote("tree", 2, "production", by="ann", why="better")
    assert causes(materializer.plan("gold.duel"), "gold.duel") == ("alias models.tree@production v1 -> v2",)
    materializer.run("gold.duel")
    trained.promote("tree", 1, "staging", by="ann", why="once more")
    assert causes(materializer.plan("gold.duel"), "gold.duel") == ("alias models.tree@staging v2 -> v1",)


def test_one_alias_alone_keeps_the_key_that_stamps_always_had(lake: Lake, trained: Models) -> None:
    made(lake, duel(new="production"))
    stamp = lake.history("gold.duel")[-1].stamp
    assert stamp
    assert {name: read.alias for name, read in stamp.inputs.items()} == {
        "gold.rows": None,
        "models.tree": "production",
    }
    both = made_by(lake, *line(duel(), depth=2)).plan("gold.duel")
    assert causes(both, "gold.duel") == ("input added models.tree@staging",)
    other = made_by(lake, *line(duel(old="staging"), depth=2)).plan("gold.duel")
    assert causes(other, "gold.duel") == ("alias models.tree@staging v1 -> v2",)


def test_an_alias_that_is_read_no_more_is_an_input_removed(lake: Lake, trained: Models) -> None:
    made(lake, duel())
    fewer = made_by(lake, *line(duel(new="production"), depth=2)).plan("gold.duel")
    assert causes(fewer, "gold.duel") == ("input removed models.tree@staging",)


def test_lineage_leads_to_both_versions_and_back(lake: Lake, trained: Models) -> None:
    made(lake, duel())
    lineage = Lineage.of(lake)
    up = lineage.upstream(lineage.find("gold.duel"))
    assert [(node.key, node.version, node.alias, node.made is not None) for node in up.next] == [
        ("gold.rows", 0, None, True),
        ("models.tree", 1, "production", True),
        ("models.tree", 2, "staging", True),
    ]
    for version in (1, 2):
        down = lineage.downstream(lineage.find("models.tree", version))
        assert [node.key for node in down.next] == ["gold.duel"]
    query = "SELECT input, input_version, alias FROM lakeline.lineage WHERE asset = 'gold.duel' AND alias IS NOT NULL"
    assert sorted(tuple(row.values()) for row in lake.query(query).to_pylist()) == [
        ("models.tree", 1, "production"),
        ("models.tree", 2, "staging"),
    ]


def test_a_model_that_is_made_from_two_aliases_is_registered_with_both(lake: Lake, trained: Models) -> None:
    materializer = made(lake, pupil())
    assert states(materializer.plan("models.pupil")) == {"models.pupil": "FRESH"}
    assert trained.agreement().differences == ()
    lineage = Lineage.of(lake)
    wanted = wants(lineage, dict(lake.histories()), standing(trained), deep=True)  # type: ignore[arg-type]
    assert {want.key for want in wanted if want.is_of_model and "pupil" in want.why} == {"gold.rows", "models.tree"}
    trained.promote("tree", 2, "production", by="ann", why="better")
    materializer.run("models.pupil")
    trained.promote("pupil", 1, "staging", by="ann", why="first")
    gate = Gate(name="pupil", rule=Rule(), gates={}, models=trained, lake=lake, graph=Graph.of(()))
    compared = gate.compare("staging", 2)
    assert compared.inputs["models.tree@production"] == (1, 2)
    assert gate.rows_between(compared) == {"gold.rows": (0, 0)}


def test_what_tags_tell_is_what_the_stamp_tells() -> None:
    read = InputVersion(table="t", version=3, alias="staging")
    stamp = Stamp(asset="models.x", code="c", run="r", sequence=1, inputs={"models.tree@staging": read})
    stamp = replace(stamp, inputs={**stamp.inputs, "gold.rows": InputVersion(table="u", version=0)})
    tags = tags_of(stamp, "p")
    assert all("@" not in name for name in tags)
    assert inputs_of(tags) == {
        "models.tree@staging": {"table": "t", "version": 3},
        "gold.rows": {"table": "u", "version": 0},
    }


def test_a_stamp_before_both_were_kept_makes_its_reader_stale_once(lake: Lake, trained: Models) -> None:
    made(lake, duel())
    log = Path(lake.location("gold.duel").uri) / "_delta_log" / "00000000000000000000.json"
    text = log.read_text()
    start, end = text.index('\\"models.tree@production'), text.index('\\"models.tree@staging')
    log.write_text((text[:start] + text[end:]).replace("models.tree@staging", "models.tree"))
    planned = made_by(lake, *line(duel(), depth=2)).plan("gold.duel")
    assert causes(planned, "gold.duel") == ("input added models.tree@production",)
