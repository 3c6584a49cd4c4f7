"""Which jobs the log itself would start, where no event has."""

import pytest

from assets import Approve, Materialize, job
from assets.asset import Asset
from assets.errors import DecidedMeanwhile
from assets.gate import Gate
from assets.graph import Graph
from assets.jobs import Jobs
from assets.materialize import Materializer
from assets.review import Waiting, standing, waiting
from assets.waking import Waking, wakings
from lakehouse.lake import Lake
from registry.journal import Told
from registry.models import Models
from tests.assets.authored import copied, line_of_tree, made_by, numbers, told_by

SILVER, GOLD = job("tables", steps=[Materialize("silver.*")]), job("features", steps=[Materialize("gold.*")])


def found(made: Materializer, *asked: Waiting) -> tuple[Waking, ...]:
    """What would be started."""
    jobs = Jobs.of(made.graph, [SILVER, GOLD])
    return wakings(jobs, made.graph, made.observe().observed, asked)


def line(lake: Lake, *ids: int, **options: object) -> Materializer:
    """A table that one job makes, and another one's that reads it."""
    return made_by(lake, numbers("silver.given", ids, **options), copied("gold.rows", "silver.given"))


def test_the_job_where_the_staleness_began_is_started_and_not_the_one_that_will_hear_of_it(lake: Lake) -> None:
    (waking,) = found(line(lake, 1))
    assert (waking.job, waking.causes) == ("tables", ("silver.given: never made",))


def test_nothing_is_started_once_all_is_fresh(lake: Lake) -> None:
    line(lake, 1).run()
    assert found(line(lake, 1)) == ()


def test_the_reader_is_started_where_no_event_told_its_job(lake: Lake) -> None:
    line(lake, 1).run()
    line(lake, 1, 2).run("silver.given")
    (waking,) = found(line(lake, 1, 2))
    assert (waking.job, waking.causes) == ("features", ("gold.rows: input silver.given v0 -> v1",))


def test_one_cause_has_one_name_and_the_next_has_another(lake: Lake) -> None:
    line(lake, 1).run()
    line(lake, 1, 2).run("silver.given")
    first, again = found(line(lake, 1, 2)), found(line(lake, 1, 2))
    assert first == again
    line(lake, 1, 2, 3).run("silver.given")
    (later,) = found(line(lake, 1, 2, 3))
    assert later.id != first[0].id


def test_what_is_made_by_hand_starts_nothing_and_nothing_waits_for_it(lake: Lake) -> None:
    line(lake, 1).run()
    line(lake, 1, 2).run("silver.given")
    (waking,) = found(line(lake, 1, 2, 3, automation="manual"))
    assert waking.job == "features"
    assert waking.causes == ("gold.rows: input silver.given v0 -> v1",)


def test_what_no_job_owns_starts_nothing(lake: Lake) -> None:
    made = line(lake, 1)
    assert wakings(Jobs.of(made.graph, [GOLD]), made.graph, made.observe().observed, ()) == ()


def shop() -> tuple[Asset, ...]:
    """A model, and a table that it predicts."""
    return numbers("gold.rows", range(10)), line_of_tree(), told_by("gold.told", "staging")


@pytest.mark.slow
def test_a_version_that_nobody_has_reviewed_starts_the_job_that_asks(lake: Lake) -> None:
    made, models = made_by(lake, *shop()), Models.from_env(lake)
    made.run()
    asking = job("review", steps=[Approve("models.tree", "staging"), Approve("models.tree", "production")])

    def started() -> list[str]:
        asked = waiting(Told(events=models.events()), "models.tree")
        jobs = Jobs.of(Graph.of(shop()), [asking])
        return [c for w in wakings(jobs, made.graph, made.observe().observed, asked) for c in w.causes]

    assert started() == ["version 1 of models.tree waits to become staging"]
    models.promote("tree", 1, "staging", by="ann", why="")
    assert started() == ["version 1 of models.tree waits to become production"]
    models.reject("tree", 1, "production", by="ann", why="not today")
    assert started() == []


@pytest.mark.slow
def test_a_version_is_superseded_by_a_newer_one_that_waits_or_has_passed(lake: Lake) -> None:
    models = Models.from_env(lake)
    for depth in (1, 2):
        made_by(lake, numbers("gold.rows", range(10)), line_of_tree(depth=depth)).run()
    journal = Told(events=models.events())
    first, second = journal.versions("tree")
    assert standing(journal, "tree", "staging", first) == "superseded"
    assert standing(journal, "tree", "staging", second) == "open"
    models.promote("tree", 1, "staging", by="ann", why="the older one on purpose")
    assert standing(Told(events=models.events()), "tree", "staging", first) == "there"


@pytest.mark.slow
def test_a_version_that_somebody_took_back_is_not_asked_about_again(lake: Lake) -> None:
    models = Models.from_env(lake)
    for depth in (1, 2):
        made_by(lake, numbers("gold.rows", range(10)), line_of_tree(depth=depth)).run()
    for version in (1, 2):
        for alias in ("staging", "production"):
            models.promote("tree", version, alias, by="ann", why="")
    models.promote("tree", 1, "production", by="ann", why="the newer one was wrong")
    journal = Told(events=models.events())
    assert standing(journal, "tree", "production", journal.versions("tree")[1]) == "taken back"
    assert list(waiting(journal, "models.tree")) == []


@pytest.mark.slow
def test_an_answer_that_comes_after_another_decision_moves_nothing(lake: Lake) -> None:
    models = Models.from_env(lake)
    made_by(lake, numbers("gold.rows", range(10)), line_of_tree()).run()
    gate = Gate.from_env("tree", mirror_stages=False)
    asked = gate.compare("staging", 1)
    models.reject("tree", 1, "staging", by="bob", why="no")
    late = gate.answer(asked, "open", is_yes=True, by="ann", why="yes", run="r")
    with pytest.raises(DecidedMeanwhile, match="bob turned down version 1 .*: no"):
        gate.refuse_late(late)
    assert models.alias("tree", "staging") is None
    assert [event.event for event in models.events("tree") if event.alias == "staging"] == ["rejected"]


@pytest.mark.slow
def test_an_answer_does_not_put_an_older_version_over_one_that_came_meanwhile(lake: Lake) -> None:
    models = Models.from_env(lake)
    for depth in (1, 2):
        made_by(lake, numbers("gold.rows", range(10)), line_of_tree(depth=depth)).run()
    gate = Gate.from_env("tree", mirror_stages=False)
    asked, seen = gate.compare("staging", 1), gate.standing("staging", 1)
    models.promote("tree", 2, "staging", by="bob", why="")
    assert gate.answer(asked, seen, is_yes=True, by="ann", why="the older one").event is None
    assert gate.answer(asked, seen, is_yes=False, by="ann", why="").event is None
    assert models.aliases("tree")["staging"].version == 2
