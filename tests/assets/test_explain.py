from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets import asset, external
from assets.errors import NotChosen, NotOne, UnknownAsset
from assets.explain import Explanation, Link, Root, explain, in_words
from assets.graph import Graph
from assets.plan import Observed, plan
from lakehouse.lake import Lake
from tests.assets.authored import copied, made_by, numbers
from tests.assets.test_graph import diamond, table
from tests.assets.test_plan import graphs, moved, settled, with_a_model

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def graph() -> Graph:
    """landing -> top -> left, right -> bottom."""
    files = external("landing.files", files="*.csv", columns=("id",))
    return Graph.of([*diamond()[:3], asset("bronze.top", inputs={"a": "landing.files"})(lambda a: a), files])


@pytest.fixture
def served() -> Graph:
    return with_a_model()


def told(graph: Graph, observed: Observed, key: str, *, force: bool = False) -> Explanation:
    return explain(graph, plan(graph, graph.order, observed, force=force), observed, key)


def with_code(observed: Observed, *keys: str) -> Observed:
    return replace(observed, code={**observed.code, **dict.fromkeys(keys, "c1")})


def test_a_cause_is_named_once_and_then_how_it_reaches_the_asset(graph: Graph) -> None:
    explained = told(graph, moved(settled(graph), "landing.files", 3), "gold.bottom")
    assert explained.roots == (Root(cause="input landing.files v0 -> v3", keys=("bronze.top",)),)
    assert explained.way == (
        Link(key="silver.left", reads=("bronze.top",)),
        Link(key="silver.right", reads=("bronze.top",)),
        Link(key="gold.bottom", reads=("silver.left", "silver.right")),
    )
    assert in_words(explained) == (
        "gold.bottom v0 is STALE: a run makes it again",
        "where that begins:",
        "  bronze.top: input landing.files v0 -> v3",
        "how that reaches gold.bottom:",
        "  silver.left reads bronze.top",
        "  silver.right reads bronze.top",
        "  gold.bottom reads silver.left, silver.right",
    )


def test_what_does_not_reach_the_asset_is_not_told(graph: Graph) -> None:
    observed = with_code(settled(graph), "silver.left", "gold.bottom")
    assert told(graph, observed, "silver.left").roots == (Root(cause="code c0 -> c1", keys=("silver.left",)),)
    assert told(graph, observed, "gold.bottom").roots == (
        Root(cause="code c0 -> c1", keys=("silver.left", "gold.bottom")),
    )
    assert told(graph, observed, "silver.right").state == "FRESH"


def test_what_is_forced_everywhere_is_one_cause(graph: Graph) -> None:
    explained = told(graph, settled(graph), "gold.bottom", force=True)
    assert [(root.cause, len(root.keys)) for root in explained.roots] == [("forced", 4)]


def test_of_a_missing_asset_it_is_told_what_is_made_before_it(graph: Graph) -> None:
    nothing = replace(settled(graph), stamps={}, published={})
    assert in_words(told(graph, nothing, "silver.left")) == (
        "silver.left is MISSING: a run makes it",
        "why:",
        "  silver.left: never made",
        "made before it: bronze.top",
    )


def test_of_a_blocked_asset_it_is_told_what_is_in_the_way(served: Graph) -> None:
    gone = {"models.m@staging", "gold.told", "gold.report"}
    settled_so = settled(served)
    observed = replace(
        settled_so,
        now={key: version for key, version in settled_so.now.items() if key not in gone},
        stamps={key: stamp for key, stamp in settled_so.stamps.items() if key not in gone},
        published={key: version for key, version in settled_so.published.items() if key not in gone},
    )
    assert in_words(told(served, observed, "gold.report")) == (
        "gold.report is BLOCKED: no run can make it now",
        "what is in the way:",
        "  gold.told: no version of models.m has the alias staging",
        "how that reaches gold.report:",
        "  gold.report reads gold.told",
    )


def test_of_a_fresh_asset_it_is_told_what_it_was_made_from_and_since_when(served: Graph) -> None:
    observed = replace(settled(served), since={"gold.told": NOON})
    assert in_words(told(served, observed, "gold.told")) == (
        "gold.told v0 is FRESH since 2026-01-02 12:00:00: its code, and what it was made from, are what they were",
        "  gold.told v0 (2026-01-02 12:00:00) was made from models.m@staging v0",
        "  models.m v0 was made from gold.rows v0",
        "  gold.rows v0 was made from nothing but its code",
    )


def test_what_an_input_is_by_now_is_not_told_as_what_it_was(served: Graph) -> None:
    trained_again = moved(settled(served), "models.m", 5)
    explained = told(served, trained_again, "gold.told")
    assert explained.state == "FRESH"
    assert [origin.key for origin in explained.origins] == ["gold.told"]


def test_an_external_is_only_looked_at(graph: Graph) -> None:
    explained = told(graph, settled(graph), "files")
    assert explained.state == "EXTERNAL"
    assert "another system makes it" in in_words(explained)[0]


def test_one_asset_of_the_plan_is_explained(graph: Graph) -> None:
    observed = settled(graph)
    planned = plan(graph, ["bronze.top"], observed)
    assert explain(graph, planned, observed, "top", "bronze.*").key == "bronze.top"
    with pytest.raises(NotChosen, match="gold.bottom is not chosen by 'bronze.*'"):
        explain(graph, planned, observed, "bottom", "bronze.*")
    with pytest.raises(NotOne):
        explain(graph, planned, observed, "silver.*")
    with pytest.raises(UnknownAsset, match="did you mean gold.bottom"):
        explain(graph, planned, observed, "botom")


@settings(max_examples=40)
@given(graphs(), st.data())
def test_law_the_roots_are_the_own_causes_of_all_that_leads_to_it(graph: Graph, data: st.DataObject) -> None:
    changed = data.draw(st.sets(st.sampled_from(graph.order), min_size=1))
    key = data.draw(st.sampled_from(graph.order))
    explained = told(graph, with_code(settled(graph), *changed), key)
    above = {key}
    for other in reversed(graph.order):
        above |= graph.upstream[other] if other in above else set()
    assert {name for root in explained.roots for name in root.keys} == changed & above
    assert len({root.cause for root in explained.roots}) == len(explained.roots)


def test_a_chain_of_thousands_is_explained_without_recursion() -> None:
    names = [f"silver.t{number}" for number in range(1500)]
    graph = Graph.of([table(name, *names[max(place - 1, 0) : place]) for place, name in enumerate(names)])
    explained = told(graph, with_code(settled(graph), names[0]), names[-1])
    assert explained.roots == (Root(cause="code c0 -> c1", keys=(names[0],)),)
    assert len(explained.way) == 1499


@pytest.mark.slow
def test_a_lake_says_since_when_its_content_stands(lake: Lake) -> None:
    line = made_by(lake, numbers("bronze.rows", [1, 2]), copied("silver.rows_again", "bronze.rows"))
    before = datetime.now(UTC)
    line.run()
    explained = line.explain("rows_again")
    assert explained.since is not None
    assert abs((explained.since - before).total_seconds()) < 60
    assert [(origin.key, origin.read) for origin in explained.origins] == [
        ("bronze.rows", {}),
        ("silver.rows_again", {"bronze.rows": 0}),
    ]
    changed = made_by(lake, numbers("bronze.rows", [1]), copied("silver.rows_again", "bronze.rows"))
    assert changed.explain("rows_again").way == (Link(key="silver.rows_again", reads=("bronze.rows",)),)
    with pytest.raises(NotChosen):
        changed.explain("rows_again", "bronze.*")


def test_what_is_stale_in_a_lake_can_be_chosen_planned_and_made(lake: Lake) -> None:
    declared = (copied("silver.rows_again", "bronze.rows"), numbers("gold.other", [5]))
    made_by(lake, numbers("bronze.rows", [1, 2]), *declared).run()
    line = made_by(lake, numbers("bronze.rows", [1]), *declared)
    assert line.chosen("stale()") == ("bronze.rows", "silver.rows_again")
    assert [step.key for step in line.plan("stale() and not silver.*").steps] == ["bronze.rows"]
    assert [outcome.key for outcome in line.run("stale()").outcomes] == ["bronze.rows", "silver.rows_again"]
    assert line.run("stale()").outcomes == ()
