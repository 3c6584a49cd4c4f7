"""Skew: the sides of a diamond that saw different versions of what they come from."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.skew import Read, Skew, skews
from lakehouse.lake import Lake
from lakehouse.stamp import InputVersion
from lakehouse.table import TableVersion
from tests.assets.authored import copied, joined, made_by, numbers, states

pytestmark = pytest.mark.slow


def at(version: int | None) -> TableVersion | None:
    return None if version is None else TableVersion(table_id="t", version=version)


def found(top: Mapping[str, int | None], past: Mapping[tuple[str, int | None], Mapping[str, int | None]]) -> list[str]:
    """The skews of one asset that reads `top`, where `past` tells what each version was made from."""

    def made_from(key: str, version: TableVersion | None) -> Read:
        told = past.get((key, version.version if version else None), {})
        return {name: at(number) for name, number in told.items()}

    newest: dict[str, int | None] = dict(top)
    for read in past.values():
        for name, number in read.items():
            known = newest.get(name, -1)
            newest[name] = None if number is None or known is None else max(known, number)
    now = {name: at(number) for name, number in newest.items()}
    told = skews({"top": {name: at(number) for name, number in top.items()}}, made_from, now)
    return [str(skew).removeprefix("skew: its inputs saw different versions of ") for skew in told.get("top", ())]


def test_sides_of_the_same_versions_are_no_skew() -> None:
    assert found({"left": 1, "right": 4}, {("left", 1): {"raw": 3}, ("right", 4): {"raw": 3}}) == []


def test_sides_of_different_versions_are_told_with_both() -> None:
    past = {("left", 1): {"raw": 3}, ("right", 4): {"raw": 5}}
    assert found({"left": 1, "right": 4}, past) == ["raw: v3 by left, v5 by right"]


def test_a_side_that_is_the_ancestor_itself_counts() -> None:
    assert found({"raw": 5, "left": 1}, {("left", 1): {"raw": 3}}) == ["raw: v5 by raw, v3 by left"]


def test_an_ancestor_far_below_is_found_by_the_versions_that_were_read() -> None:
    past = {("left", 1): {"mid": 2}, ("mid", 2): {"raw": 3}, ("mid", 9): {"raw": 8}, ("right", 4): {"raw": 5}}
    assert found({"left": 1, "right": 4}, past) == ["raw: v3 by left, v5 by right"]


def test_of_ancestors_that_explain_each_other_the_nearest_is_told() -> None:
    past = {("left", 1): {"mid": 2}, ("right", 4): {"mid": 3}, ("mid", 2): {"raw": 3}, ("mid", 3): {"raw": 5}}
    assert found({"left": 1, "right": 4}, past) == ["mid: v2 by left, v3 by right"]


def test_what_is_yet_to_be_made_differs_from_what_is_there() -> None:
    past = {("left", 1): {"raw": 3}, ("right", None): {"raw": 4}}
    assert found({"left": 1, "right": None}, past) == ["raw: v3 by left, v4 by right"]
    assert found({"left": 1, "right": None}, past | {("right", None): {"raw": None}}) == [
        "raw: v3 by left, the next by right"
    ]


def test_one_input_has_no_other_side() -> None:
    past = {("left", 1): {"raw": 3, "mid": 2}, ("mid", 2): {"raw": 1}}
    assert found({"left": 1}, past) == []


def test_a_chain_of_thousands_is_walked() -> None:
    past: dict[tuple[str, int | None], Mapping[str, int | None]] = {
        (f"k{n}", 1): {f"k{n - 1}": 1} for n in range(1, 5000)
    }
    assert found({"k4999": 1, "k0": 2}, past) == ["k0: v1 by k4999, v2 by k0"]


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), min_size=2), st.data())
def test_law_no_skew_where_every_version_that_was_read_is_the_newest(top: dict[str, int], data: st.DataObject) -> None:
    newest = {key: data.draw(st.integers(0, 3)) for key in "wxyz"}
    past = {
        (key, version): {name: newest[name] for name in data.draw(st.sets(st.sampled_from("wxyz")))}
        for key, version in top.items()
    }
    assert found(top, past) == []  # type: ignore[arg-type]


def diamond(raw: list[int]) -> tuple[object, ...]:
    return (
        numbers("bronze.raw", raw),
        copied("silver.left", "bronze.raw"),
        copied("silver.right", "bronze.raw"),
        joined("gold.top", "silver.left", "silver.right"),
    )


def test_a_partial_run_leaves_a_skew_that_plan_tells_and_the_stamp_keeps(lake: Lake) -> None:
    made_by(lake, *diamond([1])).run()  # type: ignore[arg-type]
    materializer = made_by(lake, *diamond([1, 2]))  # type: ignore[arg-type]
    materializer.run("bronze.raw, silver.left")
    expected = Skew(ancestor="bronze.raw", versions=(("silver.left", 1), ("silver.right", 0)))
    (step,) = materializer.plan("gold.top").steps
    assert (step.state, step.causes, step.skews) == ("STALE", ("input silver.left v0 -> v1",), (expected,))
    done = materializer.run("gold.top")
    assert done.outcomes[0].notes == (
        "skew: its inputs saw different versions of bronze.raw: v1 by silver.left, v0 by silver.right",
    )
    stamp = lake.history("gold.top")[-1].stamp
    assert stamp is not None
    assert stamp.extra["skew"] == {"bronze.raw": {"silver.left": 1, "silver.right": 0}}


def test_a_skew_makes_nothing_stale_and_is_gone_once_the_other_side_is_made(lake: Lake) -> None:
    made_by(lake, *diamond([1])).run()  # type: ignore[arg-type]
    materializer = made_by(lake, *diamond([1, 2]))  # type: ignore[arg-type]
    materializer.run("bronze.raw, silver.left, gold.top")
    (step,) = materializer.plan("gold.top").steps
    assert step.state == "FRESH"
    assert [skew.ancestor for skew in step.skews] == ["bronze.raw"]
    assert [step.skews for step in materializer.plan().steps] == [()] * 4, "the plan mends it"
    materializer.run()
    assert set(states(materializer.plan()).values()) == {"FRESH"}
    stamp = lake.history("gold.top")[-1].stamp
    assert stamp is not None
    assert "skew" not in stamp.extra


def test_a_side_that_is_older_than_its_newest_version_is_told_by_the_stamp_of_that_version(lake: Lake) -> None:
    for raw in ([1], [1, 2]):
        made_by(lake, *diamond(raw)).run()  # type: ignore[arg-type]
    materializer = made_by(lake, *diamond([1, 2]))  # type: ignore[arg-type]
    (step,) = materializer.plan("gold.top", pins=["silver.left@0"]).steps
    assert [str(skew) for skew in step.skews] == [
        "skew: its inputs saw different versions of bronze.raw: v0 by silver.left, v1 by silver.right"
    ]


def test_a_commit_of_others_says_nothing_of_ancestors(lake: Lake) -> None:
    import deltalake
    import pyarrow as pa

    materializer = made_by(lake, *diamond([1]))  # type: ignore[arg-type]
    materializer.run()
    deltalake.write_deltalake(lake.location("silver.left").uri, pa.table({"id": [9]}), mode="append")
    assert [step.skews for step in materializer.plan("gold.top").steps] == [()]


@pytest.mark.parametrize("alias", ["staging", "candidate"])
def test_a_model_may_be_older_than_what_it_is_used_on(alias: str) -> None:
    from assets.graph import Graph
    from assets.past import Past
    from assets.plan import Observed
    from lakehouse.settings import LakeSettings
    from lakehouse.stamp import Stamp
    from tests.assets.authored import line_of_tree, told_by

    graph = Graph.of((numbers("gold.rows", [1]), line_of_tree(), told_by("gold.told", alias)))
    pins = {"gold.rows": at(2), f"models.tree@{alias}": at(1), "models.tree": at(1)}
    stamp = Stamp(
        asset="models.tree", code="", inputs={"gold.rows": InputVersion(table="t", version=0)}, run="", sequence=1
    )
    observed = Observed(now={k: v for k, v in pins.items() if v}, stamps={"models.tree": stamp}, code={})
    assert Past(Lake(LakeSettings()), graph, observed).of_one("gold.told", observed.now) == ()
