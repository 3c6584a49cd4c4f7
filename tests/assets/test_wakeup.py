"""A run that has several tasks: each reads what was there when the run began, or what another of its tasks made."""

from datetime import UTC, datetime

import deltalake
import pyarrow as pa
import pytest

from assets.materialize import Materializer
from assets.wakeup import WakeUp
from lakehouse.lake import Lake
from registry.models import Models
from tests.assets.authored import actions, causes, copied, ids, line_of_tree, made_by, numbers, states, told_by

RUN = "shop/tuesday"


def line(lake: Lake, held: tuple[int, ...]) -> Materializer:
    """A table of numbers, and one that reads it."""
    return made_by(lake, numbers("silver.given", held), copied("gold.rows", "silver.given"))


def begun(**options: object) -> WakeUp:
    """A run that begins now."""
    return WakeUp(run=RUN, began=datetime.now(UTC), **options)  # type: ignore[arg-type]


def test_what_others_make_after_the_run_began_is_left_to_the_next(lake: Lake) -> None:
    line(lake, (1,)).run()
    wakeup = begun()
    line(lake, (1, 2)).run("silver.given")
    later = line(lake, (1, 2))
    assert actions(later.run("gold.rows", wakeup=wakeup)) == {"gold.rows": "fresh"}
    assert ids(lake, "gold.rows") == [1]
    forced = later.run("gold.rows", force=True, wakeup=wakeup)
    assert (actions(forced), ids(lake, "gold.rows")) == ({"gold.rows": "made"}, [1])
    assert causes(later.plan(), "gold.rows") == ("input silver.given v0 -> v1",)


def test_the_tasks_of_a_run_read_what_each_other_made(lake: Lake) -> None:
    line(lake, (1,)).run()
    wakeup, changed = begun(), line(lake, (1, 2))
    assert actions(changed.run("silver.given", wakeup=wakeup)) == {"silver.given": "made"}
    assert actions(changed.run("gold.rows", wakeup=wakeup)) == {"gold.rows": "made"}
    assert ids(lake, "gold.rows") == [1, 2]
    stamp = lake.history("gold.rows")[-1].stamp
    assert stamp is not None and stamp.run == RUN


def test_a_task_that_is_tried_again_much_later_reads_the_same(lake: Lake) -> None:
    line(lake, (1,)).run("silver.given")
    wakeup = begun()
    for count in (2, 3):
        line(lake, tuple(range(1, count + 1))).run("silver.given")
    assert actions(line(lake, (1, 2, 3)).run("gold.rows", wakeup=wakeup)) == {"gold.rows": "made"}
    assert ids(lake, "gold.rows") == [1]
    assert actions(line(lake, (1, 2, 3)).run("gold.rows", wakeup=wakeup)) == {"gold.rows": "fresh"}


def test_a_task_that_is_tried_again_does_not_force_what_it_has_made(lake: Lake) -> None:
    added = made_by(lake, numbers("silver.given", (1, 2), write="append"))
    wakeup = begun()
    assert actions(added.run(force=True, wakeup=wakeup)) == {"silver.given": "made"}
    assert actions(added.run(force=True, wakeup=wakeup)) == {"silver.given": "fresh"}
    assert ids(lake, "silver.given") == [1, 2]
    assert actions(added.run(force=True, wakeup=WakeUp(run="shop/later", began=wakeup.began))) == {
        "silver.given": "made"
    }


def test_a_run_reads_no_less_than_it_was_told_of(lake: Lake) -> None:
    line(lake, (1,)).run("silver.given")
    before = datetime.now(UTC)
    line(lake, (1, 2)).run("silver.given")
    wakeup = WakeUp(run=RUN, began=before, told={"silver.given": 1})  # a clock that is behind
    line(lake, (1, 2)).run("gold.rows", wakeup=wakeup)
    assert ids(lake, "gold.rows") == [1, 2]
    stamp = lake.history("gold.rows")[-1].stamp
    assert stamp is not None and stamp.extra["woken_by"] == ["silver.given v1"]


def test_what_another_run_made_of_newer_inputs_is_not_made_of_older_ones(lake: Lake) -> None:
    line(lake, (1,)).run()
    wakeup = begun()
    line(lake, (1, 2)).run()
    assert states(line(lake, (1, 2)).plan()) == {"silver.given": "FRESH", "gold.rows": "FRESH"}
    assert actions(line(lake, (1, 2)).run("gold.rows", wakeup=wakeup)) == {"gold.rows": "fresh"}
    assert ids(lake, "gold.rows") == [1, 2]


@pytest.mark.slow
def test_a_table_that_was_restored_before_the_run_is_read_as_restored(lake: Lake) -> None:
    line(lake, (1,)).run()
    line(lake, (1, 2)).run()
    deltalake.DeltaTable(lake.location("silver.given").uri).restore(0)
    wakeup = begun()
    deltalake.write_deltalake(lake.location("silver.given").uri, pa.table({"id": [9]}), mode="append")
    assert actions(line(lake, (1, 2)).run("gold.rows", wakeup=wakeup)) == {"gold.rows": "made"}
    assert ids(lake, "gold.rows") == [1]


@pytest.mark.slow
def test_an_alias_is_read_where_it_stood_or_where_it_was_waited_for(lake: Lake) -> None:
    def shop(depth: int) -> Materializer:
        rows = numbers("gold.rows", range(10))
        return made_by(lake, rows, line_of_tree(depth=depth), told_by("gold.told", "staging"))

    models = Models.from_env(lake)
    for depth in (1, 2):
        shop(depth).run("gold.rows, models.tree")
    models.promote("tree", 1, "staging", by="ann", why="first")
    wakeup = begun()
    models.promote("tree", 2, "staging", by="ann", why="second")
    shop(2).run("gold.told", wakeup=wakeup)
    assert read_version(lake) == 1
    shop(2).run("gold.told", wakeup=WakeUp(run=RUN, began=wakeup.began, waited={"models.tree@staging": 2}))
    assert read_version(lake) == 2
    older = WakeUp(run=RUN, began=wakeup.began, waited={"models.tree@staging": 1})
    assert actions(shop(2).run("gold.told", wakeup=older)) == {"gold.told": "fresh"}


def read_version(lake: Lake) -> int:
    """The version of the model that the newest predictions were made with."""
    stamp = lake.history("gold.told")[-1].stamp
    assert stamp is not None
    return stamp.inputs["models.tree"].version
