from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import model
from assets.asset import External
from assets.graph import Graph
from assets.plan import Observed, Plan, Step, plan, stale
from lakehouse.stamp import InputVersion, Stamp
from lakehouse.table import TableVersion
from tests.assets.test_graph import diamond, table

CODE = "c0"


def settled(graph: Graph) -> Observed:
    """Everything made once, from what is there."""
    now = {key: TableVersion(table_id=key, version=0) for key in graph.order}
    now |= {str(r): now[r.key] for read in graph.inputs.values() for r in read.values() if r.alias}
    stamps = {
        key: Stamp(
            asset=key,
            code=CODE,
            run="r",
            sequence=1,
            inputs={
                r.key: InputVersion(table=now[str(r)].table_id, version=now[str(r)].version, alias=r.alias)
                for r in graph.inputs[key].values()
            },
        )
        for key in graph.order
        if not isinstance(graph.assets[key], External)
    }
    return Observed(now=now, stamps=stamps, code=dict.fromkeys(stamps, CODE), published=dict.fromkeys(stamps, 0))


def moved(observed: Observed, key: str, version: int, table_id: str | None = None) -> Observed:
    return replace(observed, now={**observed.now, key: TableVersion(table_id=table_id or key, version=version)})


def states(planned: Plan) -> dict[str, str]:
    return {step.key: step.state for step in planned.steps}


def causes(planned: Plan, key: str) -> tuple[str, ...]:
    return next(step.causes for step in planned.steps if step.key == key)


@pytest.fixture
def graph() -> Graph:
    return Graph.of(diamond())


def test_all_is_missing_where_nothing_was_made(graph: Graph) -> None:
    planned = plan(graph, graph.order, Observed(now={}, stamps={}, code=dict.fromkeys(graph.order, CODE)))
    assert set(states(planned).values()) == {"MISSING"}


def test_all_is_fresh_where_nothing_changed(graph: Graph) -> None:
    assert set(states(plan(graph, graph.order, settled(graph))).values()) == {"FRESH"}


def test_stale_when_an_input_moved_and_all_that_reads_it_with_the_root_cause_named_once(graph: Graph) -> None:
    observed = moved(settled(graph), "bronze.top", 2)
    planned = plan(graph, graph.order, observed)
    assert states(planned) == {
        "bronze.top": "FRESH",
        "silver.left": "STALE",
        "silver.right": "STALE",
        "gold.bottom": "STALE",
    }
    assert causes(planned, "silver.left") == ("input bronze.top v0 -> v2",)
    assert causes(planned, "gold.bottom") == ("upstream silver.left will run", "upstream silver.right will run")


def test_only_what_is_selected_passes_staleness_on(graph: Graph) -> None:
    observed = moved(settled(graph), "bronze.top", 2)
    assert states(plan(graph, ["gold.bottom"], observed)) == {"gold.bottom": "FRESH"}


def test_stale_when_the_code_changed(graph: Graph) -> None:
    observed = settled(graph)
    observed = replace(observed, code={**observed.code, "gold.bottom": "c1"})
    assert causes(plan(graph, graph.order, observed), "gold.bottom") == ("code c0 -> c1",)


def test_stale_when_an_input_was_dropped_and_made_again(graph: Graph) -> None:
    observed = moved(settled(graph), "bronze.top", 0, "made again")
    assert causes(plan(graph, graph.order, observed), "silver.left") == ("input bronze.top v0 -> v0 (another table)",)


def test_stale_when_an_input_was_added_or_removed() -> None:
    before = settled(Graph.of([table("bronze.a"), table("bronze.b"), table("silver.c", "bronze.a")]))
    after = Graph.of([table("bronze.a"), table("bronze.b"), table("silver.c", "bronze.b")])
    planned = plan(after, after.order, before)
    assert causes(planned, "silver.c") == ("input added bronze.b", "input removed bronze.a")


def test_missing_when_the_table_is_gone(graph: Graph) -> None:
    observed = settled(graph)
    observed = replace(observed, now={k: v for k, v in observed.now.items() if k != "gold.bottom"})
    assert states(plan(graph, graph.order, observed))["gold.bottom"] == "MISSING"


def test_every_cause_is_told_and_where_one_came_from_stands_apart(graph: Graph) -> None:
    observed = moved(settled(graph), "silver.left", 4)
    observed = replace(observed, code={**observed.code, "silver.right": "c1", "gold.bottom": "c1"})
    step = next(step for step in plan(graph, graph.order, observed).steps if step.key == "gold.bottom")
    assert step.own == ("code c0 -> c1", "input silver.left v0 -> v4")
    assert step.passed_on == ("silver.right",)
    assert step.causes == ("code c0 -> c1", "input silver.left v0 -> v4", "upstream silver.right will run")


def test_a_root_cause_stands_at_one_step_alone(graph: Graph) -> None:
    planned = plan(graph, graph.order, moved(settled(graph), "bronze.top", 2))
    reread = [cause for step in planned.steps for cause in step.own]
    assert reread == ["input bronze.top v0 -> v2"] * 2, "once for each asset that read it"
    code = plan(graph, graph.order, replace(settled(graph), code={**settled(graph).code, "bronze.top": "c1"}))
    assert [(step.key, step.own) for step in code.steps if step.own] == [("bronze.top", ("code c0 -> c1",))]
    assert len(code.work) == 4


def test_what_is_stale_is_what_a_run_of_everything_makes(graph: Graph) -> None:
    assert stale(graph, settled(graph)) == set()
    assert stale(graph, moved(settled(graph), "silver.left", 1)) == {"gold.bottom"}


def test_a_step_of_a_partition_is_kept_apart_from_the_whole_asset() -> None:
    assert Step(key="gold.a", state="FRESH").slot == "gold.a"
    assert Step(key="gold.a", state="FRESH", partition="2026-01").slot == "gold.a[2026-01]"


def test_a_chain_of_thousands_is_planned_without_recursion() -> None:
    names = [f"silver.t{number}" for number in range(1500)]
    graph = Graph.of([table(name, *names[max(place - 1, 0) : place]) for place, name in enumerate(names)])
    observed = settled(graph)
    planned = plan(graph, graph.order, replace(observed, code={**observed.code, names[0]: "c1"}))
    assert len(planned.work) == 1500
    assert planned.steps[-1].causes == (f"upstream {names[-2]} will run",)


def test_forced_is_a_cause_of_its_own(graph: Graph) -> None:
    planned = plan(graph, ["bronze.top"], settled(graph), force=True)
    assert causes(planned, "bronze.top") == ("forced",)


@pytest.fixture
def served() -> Graph:
    return with_a_model()


def with_a_model() -> Graph:
    """rows -> model; what its staging version told; a report of that."""

    @model("models.m", inputs={"rows": "gold.rows"})
    def trained(rows: object) -> object:
        return None

    return Graph.of(
        [table("gold.rows"), trained, table("gold.told", "models.m@staging"), table("gold.report", "gold.told")]
    )


def test_blocked_while_no_version_has_the_alias_and_so_is_all_that_needs_it(served: Graph) -> None:
    observed = settled(served)
    gone = {"models.m@staging", "gold.told", "gold.report"}
    observed = replace(
        observed,
        now={k: v for k, v in observed.now.items() if k not in gone},
        stamps={k: v for k, v in observed.stamps.items() if k not in gone},
    )
    planned = plan(served, served.order, observed)
    assert states(planned)["gold.told"] == states(planned)["gold.report"] == "BLOCKED"
    assert causes(planned, "gold.told") == ("no version of models.m has the alias staging",)
    assert causes(planned, "gold.report") == ("gold.told is blocked",)
    assert not planned.work


def test_a_moved_alias_is_a_cause_and_a_new_training_is_not(served: Graph) -> None:
    observed = moved(settled(served), "models.m@staging", 3, "models.m")
    assert causes(plan(served, served.order, observed), "gold.told") == ("alias models.m@staging v0 -> v3",)
    retrained = moved(settled(served), "gold.rows", 1)
    assert states(plan(served, served.order, retrained)) == {
        "gold.rows": "FRESH",
        "models.m": "STALE",
        "gold.told": "FRESH",
        "gold.report": "FRESH",
    }


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(1, 8))
    found = []
    for place in range(size):
        inputs = draw(st.sets(st.integers(0, place - 1), max_size=3)) if place else set()
        found.append(table(f"silver.t{place}", *(f"silver.t{number}" for number in sorted(inputs))))
    return Graph.of(found)


@given(graphs(), st.data())
def test_law_what_is_downstream_of_a_move_is_exactly_what_is_stale(graph: Graph, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(graph.order))
    planned = plan(graph, graph.order, moved(settled(graph), key, 1))
    reached: set[str] = set()
    ahead = [key]
    while ahead:
        following = graph.downstream[ahead.pop()] - reached
        reached |= following
        ahead.extend(following)
    assert {step.key for step in planned.work} == reached


@given(graphs())
def test_law_the_plan_of_a_settled_graph_is_empty(graph: Graph) -> None:
    assert plan(graph, graph.order, settled(graph)).work == ()
