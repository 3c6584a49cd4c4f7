"""Runs, told by the stamps of what they made."""

from datetime import UTC, datetime

import deltalake
import pytest

from assets import rows
from assets.asset import Asset
from assets.errors import UnknownRun
from assets.graph import Graph
from assets.lineage import Lineage
from assets.materialize import Done, Materializer
from assets.runs import RunMade, find, runs, started_at
from lakehouse.lake import Lake
from registry.models import Models
from tests.assets.authored import copied, made_by, numbers


def line(raw: list[int]) -> tuple[Asset, ...]:
    check = rows("id > 0", otherwise="quarantine")
    return (numbers("bronze.raw", raw), copied("silver.clean", "bronze.raw", checks=[check]))


def ran(lake: Lake, raw: list[int], minute: int, selection: str = "*") -> Done:
    at = datetime(2026, 5, 4, 12, minute, tzinfo=UTC)
    return Materializer(lake, Models.from_env(lake), Graph.of(line(raw)), clock=lambda: at).run(selection)


def told(lake: Lake) -> tuple[RunMade, ...]:
    return runs(Lineage.of(lake))


def test_runs_are_told_newest_first_with_what_they_made(lake: Lake) -> None:
    first, second = ran(lake, [1], 1), ran(lake, [1, -2], 2)
    third = ran(lake, [1, 2], 3, "bronze.raw")
    made = told(lake)
    assert [run.id for run in made] == [third.run, second.run, first.run]
    assert [run.started and run.started.minute for run in made] == [3, 2, 1]
    assert [run.assets for run in made] == [
        ("bronze.raw",),
        ("bronze.raw", "silver.clean"),
        ("bronze.raw", "silver.clean"),
    ]
    assert [run.selection for run in made] == ["bronze.raw", None, None]
    assert [(v.key, v.version, v.rows) for v in made[1].made] == [
        ("bronze.raw", 1, 2),
        ("quarantine.silver.clean", 0, 1),
        ("silver.clean", 1, 1),
    ]


def test_a_run_that_made_nothing_left_no_trace(lake: Lake) -> None:
    first = ran(lake, [1], 1)
    ran(lake, [1], 2)
    assert [run.id for run in told(lake)] == [first.run]


def test_what_a_restore_brought_back_was_made_once(lake: Lake) -> None:
    first = ran(lake, [1], 1)
    ran(lake, [1, 2], 2)
    deltalake.DeltaTable(lake.location("silver.clean").uri).restore(0)
    made = find(told(lake), first.run)
    assert [(version.key, version.version) for version in made.made] == [("bronze.raw", 0), ("silver.clean", 0)]


def test_what_was_done_by_hand_is_no_run(lake: Lake) -> None:
    from registry.journal import Event, Journal

    event = Event(
        at=datetime(2026, 5, 4, tzinfo=UTC),
        event="moved",
        model="tree",
        model_id="1",
        by="ann",
        why="",
        alias="staging",
    )
    Journal(lake).record(lambda told: event)
    assert told(lake) == ()


def test_the_beginning_of_a_name_is_enough_where_it_is_the_only_one(lake: Lake) -> None:
    first, second = ran(lake, [1], 1), ran(lake, [1, 2], 2)
    made = told(lake)
    assert find(made, first.run[:13]).id == first.run
    assert find(made, second.run).id == second.run
    with pytest.raises(UnknownRun, match=r"'20260504' is the beginning of 2 runs: .*; write more of it"):
        find(made, "20260504")
    with pytest.raises(UnknownRun, match=f"did you mean {second.run}"):
        find(made, second.run[:-1] + "x")
    with pytest.raises(UnknownRun, match=f"did you mean {second.run} or {first.run}"):
        find(made, "no such run")
    with pytest.raises(UnknownRun, match="no run has made anything yet"):
        find((), "x")


@pytest.mark.parametrize("name", ["by hand", "", "2026-05-04", "x-20260504T120000"])
def test_a_name_that_tells_no_time_has_none(name: str) -> None:
    assert started_at(name) is None


def test_the_stamps_alone_tell_it(lake: Lake) -> None:
    done = made_by(lake, *line([1])).run()
    assert find(told(Lake.from_env()), done.run).made[0].stamp is not None
