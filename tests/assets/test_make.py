"""One asset: tried again where the error may pass, and planned again where another run came first."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from assets import asset
from assets.asset import TableAsset
from assets.errors import BadOption
from assets.graph import Graph
from assets.make import pause_seconds
from assets.materialize import Materializer
from assets.outcome import Outcome
from assets.plan import Step
from assets.wakeup import WakeUp
from lakehouse.engine import EngineName
from lakehouse.errors import CommitTaken, ComputeFailed, PlatformError, StoreUnreachable
from lakehouse.lake import Lake
from registry.models import Models
from tests.assets.authored import copied, flowers_landing, ids, made_by, numbers, put


class Heard:
    """What a run tells; does something of its own before a step starts."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.notes: list[str] = []
        self._before = before

    def starting(self, step: Step) -> None:
        self._before()

    def noted(self, key: str, line: str) -> None:
        self.notes.append(line)

    def ended(self, outcome: Outcome) -> None:
        pass


class Unsteady:
    """A real lake that has an error before it hands out an engine, for the first times."""

    def __init__(self, lake: Lake, errors: list[PlatformError]) -> None:
        self._lake, self.errors = lake, errors

    def __getattr__(self, name: str) -> object:
        return getattr(self._lake, name)

    def engine(self, name: EngineName) -> object:
        if self.errors:
            raise self.errors.pop(0)
        return self._lake.engine(name)


AWAY = StoreUnreachable("the store", "it is away")


def unsteady(lake: Lake, errors: list[PlatformError], *declared: TableAsset) -> tuple[Materializer, list[float]]:
    slept: list[float] = []
    around: Any = Unsteady(lake, errors)
    return Materializer(around, Models.from_env(lake), Graph.of(declared), sleep=slept.append), slept


def test_an_error_that_passes_is_tried_again_and_told(lake: Lake) -> None:
    materializer, slept = unsteady(lake, [AWAY, AWAY], numbers("bronze.raw", [1]))
    heard = Heard()
    (outcome,) = materializer.run(reporter=heard).outcomes
    assert (outcome.action, outcome.tries) == ("made", 3)
    assert 1 <= slept[0] <= 1.5
    assert 2 <= slept[1] <= 3
    assert [note.split(" in ")[0] for note in heard.notes] == ["bronze.raw: trying again"] * 2
    assert heard.notes[0].endswith(" s (2 of 3): 'the store' could not be reached: it is away")
    assert heard.notes[1].endswith(" s (3 of 3): 'the store' could not be reached: it is away")
    assert len(lake.history("bronze.raw")) == 1


def test_an_error_that_stays_fails_after_the_last_try(lake: Lake) -> None:
    materializer, slept = unsteady(lake, [AWAY] * 9, numbers("bronze.raw", [1]))
    (outcome,) = materializer.run().outcomes
    assert (outcome.action, outcome.tries, outcome.error) == ("failed", 3, AWAY)
    assert len(slept) == 2


@pytest.mark.parametrize("retries", [0, 4])
def test_an_author_says_how_often(lake: Lake, retries: int) -> None:
    materializer, slept = unsteady(lake, [AWAY] * 9, numbers("bronze.raw", [1], retries=retries))
    (outcome,) = materializer.run().outcomes
    assert (outcome.action, outcome.tries, len(slept)) == ("failed", retries + 1, retries)


def test_a_part_of_a_run_leaves_it_to_the_run_to_try_again(lake: Lake) -> None:
    materializer, slept = unsteady(lake, [AWAY], numbers("bronze.raw", [1]))
    wakeup = WakeUp(run="a_dag/a_run", began=datetime.now(UTC))
    (outcome,) = materializer.run(wakeup=wakeup).outcomes
    assert (outcome.action, outcome.tries, slept) == ("failed", 1, [])
    (outcome,) = materializer.run(wakeup=wakeup).outcomes
    assert (outcome.action, outcome.tries) == ("made", 1)


def test_a_part_of_a_run_runs_again_itself_after_a_race(lake: Lake) -> None:
    materializer, slept = unsteady(lake, [CommitTaken("bronze.raw", 1)], numbers("bronze.raw", [1]))
    (outcome,) = materializer.run(wakeup=WakeUp(run="a_dag/a_run", began=datetime.now(UTC))).outcomes
    assert (outcome.action, outcome.tries, len(slept)) == ("made", 2, 1)


def test_an_error_that_trying_again_cannot_help_is_not_tried_again(lake: Lake) -> None:
    materializer, slept = unsteady(lake, [ComputeFailed("the frame", "it is wrong")], numbers("bronze.raw", [1]))
    (outcome,) = materializer.run().outcomes
    assert (outcome.action, outcome.tries, slept) == ("failed", 1, [])


@pytest.mark.parametrize("retries", [-1, "two"])
def test_retries_are_a_whole_number(retries: int) -> None:
    with pytest.raises(BadOption, match="wanted a whole number from 0"):
        asset("bronze.raw", retries=retries)(lambda: None)


def test_pauses_grow_and_have_an_end() -> None:
    assert [pause_seconds(tries, 0) for tries in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert pause_seconds(3, 1) == 6


def test_what_another_run_made_of_the_same_is_adopted(lake: Lake) -> None:
    declared = (numbers("bronze.raw", [1]), copied("silver.clean", "bronze.raw"))
    other = made_by(Lake.from_env(), *declared)
    done = made_by(lake, *declared).run(reporter=Heard(other.run))
    assert [outcome.action for outcome in done.outcomes] == ["adopted", "adopted"]


def test_what_another_run_made_from_newer_inputs_is_not_overwritten_with_older_ones(lake: Lake) -> None:
    raw, clean = numbers("bronze.raw", [1]), copied("silver.clean", "bronze.raw")
    made_by(lake, raw).run()
    newer = made_by(Lake.from_env(), numbers("bronze.raw", [1, 2]), clean)
    (outcome,) = made_by(lake, raw, clean).run("silver.clean", reporter=Heard(newer.run)).outcomes
    assert (outcome.action, outcome.before, outcome.after) == ("adopted", None, 0)
    assert ids(lake, "silver.clean") == [1, 2]
    assert len(lake.history("silver.clean")) == 1


@pytest.mark.slow
def test_files_that_another_run_took_in_first_are_taken_in_once(lake: Lake) -> None:
    put(lake, "a.csv", "id,name\n1,rose\n")
    landing = flowers_landing()
    other = made_by(Lake.from_env(), landing, copied("bronze.raw", "landing.flowers", write="append", code="1"))
    ours = made_by(lake, landing, copied("bronze.raw", "landing.flowers", write="append", code="2"))
    (outcome,) = ours.run(reporter=Heard(other.run)).outcomes
    assert (outcome.action, outcome.tries) == ("made", 2)
    assert ids(lake, "bronze.raw") == ["1"]
    assert ours.plan().work == ()
