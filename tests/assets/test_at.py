"""Inputs that are older on purpose."""

from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from assets import external
from assets.asset import Asset
from assets.errors import NotPinnable, UnknownAsset, UnknownVersion
from assets.materialize import Materializer
from lakehouse.errors import PlatformError
from lakehouse.lake import Lake
from tests.assets.authored import (
    causes,
    copied,
    flowers_landing,
    ids,
    line_of_tree,
    made_by,
    numbers,
    put,
    states,
    told_by,
)

pytestmark = pytest.mark.slow


def line(raw: list[int], *others: Asset) -> tuple[Asset, ...]:
    return (
        numbers("bronze.raw", raw),
        copied("silver.clean", "bronze.raw"),
        copied("gold.told", "silver.clean"),
        *others,
    )


@pytest.fixture
def moved(lake: Lake) -> Materializer:
    """A line of which each table has two versions."""
    for raw in ([1], [1, 2]):
        made_by(lake, *line(raw)).run()
    return made_by(lake, *line([1, 2]))


def test_a_run_reads_the_older_version_says_so_and_the_next_plan_goes_back(moved: Materializer) -> None:
    (planned,) = moved.plan("gold.told", pins=["silver.clean@0"]).steps
    assert (planned.state, planned.causes) == ("STALE", ("input silver.clean v1 -> v0",))
    assert planned.notes == ("input silver.clean pinned to v0",)
    assert moved.run("gold.told", pins=["silver.clean@0"]).is_ok
    assert ids(moved.lake, "gold.told") == [1]
    stamp = moved.lake.history("gold.told")[-1].stamp
    assert stamp is not None
    assert stamp.inputs["silver.clean"].version == 0
    assert (stamp.extra["selection"], stamp.extra["at"]) == ("gold.told", {"silver.clean": 0})
    assert causes(moved.plan(), "gold.told") == ("input silver.clean v0 -> v1",)
    moved.run()
    stamp = moved.lake.history("gold.told")[-1].stamp
    assert stamp is not None
    assert "at" not in stamp.extra
    assert ids(moved.lake, "gold.told") == [1, 2]


def test_what_was_made_from_the_older_version_is_fresh_for_it(moved: Materializer) -> None:
    moved.run("gold.told", pins=["silver.clean@v0"])
    (planned,) = moved.plan("gold.told", pins=["silver.clean@v0"]).steps
    assert (planned.state, planned.notes) == ("FRESH", ("input silver.clean pinned to v0",))


def test_an_input_that_is_made_in_the_same_run_is_read_at_its_pin_all_the_same(lake: Lake) -> None:
    made_by(lake, *line([1])).run()
    done = made_by(lake, *line([1, 2])).run(pins=["silver.clean@0"])
    assert done.is_ok
    assert [o.action for o in done.outcomes] == ["made", "made", "fresh"]
    assert ids(lake, "silver.clean") == [1, 2]
    assert ids(lake, "gold.told") == [1]


@pytest.mark.parametrize(
    ("selection", "pin", "kind", "told"),
    [
        ("gold.told", "silver.clean@7", UnknownVersion, "silver.clean has no version 7; it has 0 to 1"),
        ("gold.told", "silver.claen@0", UnknownAsset, "did you mean silver.clean?"),
        ("gold.told", "silver.clean", NotPinnable, "wanted KEY@VERSION, as silver.orders@3"),
        ("gold.told", "silver.clean@new", NotPinnable, "wanted KEY@VERSION"),
        (
            "gold.told",
            "bronze.raw@0",
            NotPinnable,
            "nothing that is selected reads bronze.raw; it is read by silver.clean",
        ),
        ("*", "gold.told@0", NotPinnable, "it is read by nothing"),
    ],
)
def test_a_version_that_cannot_be_read_there_is_refused_with_what_can(
    moved: Materializer, selection: str, pin: str, kind: type[PlatformError], told: str
) -> None:
    for act in (moved.plan, moved.run):
        with pytest.raises(kind) as raised:
            act(selection, pins=[pin])
        assert told in str(raised.value)


def test_one_input_is_held_to_one_version(moved: Materializer) -> None:
    with pytest.raises(NotPinnable, match="is held to version 0 already"):
        moved.plan("gold.told", pins=["silver.clean@0", "silver.clean@1"])


def test_a_version_whose_files_are_gone_is_refused_before_anything_runs(moved: Materializer) -> None:
    location = moved.lake.location("silver.clean").uri
    for file in deltalake.DeltaTable(location, version=0).file_uris():
        Path(file).unlink()
    with pytest.raises(NotPinnable, match=r"--at 'silver.clean@0' cannot be read: its file .* is gone"):
        moved.plan("gold.told", pins=["silver.clean@0"])


def test_landed_files_have_no_older_version(lake: Lake) -> None:
    put(lake, "a.csv", "id,name\n1,rose\n")
    materializer = made_by(lake, flowers_landing(), copied("bronze.raw", "landing.flowers"))
    materializer.run()
    with pytest.raises(NotPinnable, match="is files, of which there are no older versions"):
        materializer.run(pins=["landing.flowers@1"])


def test_a_foreign_table_is_held_to_a_version(lake: Lake) -> None:
    place = lake.settings.root.child("outside", "orders").uri
    for number in (1, 2):
        deltalake.write_deltalake(place, pa.table({"id": [number]}), mode="append")
    declared = (external("outside.orders", table="outside/orders"), copied("silver.sold", "outside.orders"))
    materializer = made_by(lake, *declared)
    assert materializer.run(pins=["outside.orders@0"]).is_ok
    assert ids(lake, "silver.sold") == [1]
    assert causes(materializer.plan(), "silver.sold") == ("input outside.orders v0 -> v1",)


@pytest.mark.slow
def test_a_model_is_held_to_a_version(lake: Lake, store: Path) -> None:
    assert store.exists()
    declared = (numbers("gold.rows", range(8)), line_of_tree(), told_by("gold.told", "candidate"))
    made_by(lake, *declared).run()
    declared = (declared[0], line_of_tree(depth=1), declared[2])
    materializer = made_by(lake, *declared)
    materializer.run()
    assert materializer.run("gold.told", pins=["models.tree@1"]).is_ok
    stamp = lake.history("gold.told")[-1].stamp
    assert stamp is not None
    assert (stamp.inputs["models.tree"].version, stamp.inputs["models.tree"].alias) == (1, "candidate")
    assert stamp.extra["at"] == {"models.tree": 1}
    assert causes(materializer.plan(), "gold.told") == ("alias models.tree@candidate v1 -> v2",)
    assert states(materializer.plan("gold.told", pins=["models.tree@1"])) == {"gold.told": "FRESH"}
    with pytest.raises(UnknownVersion, match="it has 1 to 2"):
        materializer.plan("gold.told", pins=["models.tree@9"])
