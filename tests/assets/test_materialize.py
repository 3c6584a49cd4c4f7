"""A run: what is made, what is recorded, what is left alone, and what nobody ever sees."""

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from assets import asset, matches, references, rows, unique
from assets.asset import TableAsset
from assets.errors import ChecksFailed, CheckUnusable, FunctionFailed
from assets.graph import Graph
from assets.materialize import Done, Materializer
from assets.outcome import Outcome
from assets.plan import Step
from lakehouse.engine import Engine, EngineName, Publication
from lakehouse.errors import PlatformError, StoreUnreachable
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from lakehouse.stamp import CheckResult, InputVersion
from registry.models import Models
from tests.assets.authored import (
    actions,
    broken,
    causes,
    copied,
    ids,
    joined,
    line_of_tree,
    made_by,
    numbers,
    states,
    told_by,
)

NOWHERE = "sc://127.0.0.1:1"
"""An address at which no Spark answers: whoever opens Spark there fails."""


def line(raw: list[int], *checks: object, **options: object) -> tuple[TableAsset, ...]:
    """Two tables above one; the checks are the middle one's."""
    return (
        copied("gold.told", "silver.clean"),
        copied("silver.clean", "bronze.raw", checks=checks, **options),
        numbers("bronze.raw", raw),
    )


def outcome(done: Done, key: str) -> Outcome:
    return next(found for found in done.outcomes if found.key == key)


class Witness:
    """Told of each step; does something of its own before a step starts."""

    def __init__(self, before: dict[str, Callable[[], object]] | None = None) -> None:
        self.started: list[str] = []
        self.ends: list[str] = []
        self.notes: list[str] = []
        self._before = before or {}

    def starting(self, step: Step) -> None:
        self.started.append(step.key)
        self._before.get(step.key, lambda: None)()

    def noted(self, key: str, line: str) -> None:
        self.notes.append(line)

    def ended(self, outcome: Outcome) -> None:
        self.ends.append(outcome.key)


class Around:
    """A real lake whose engines let a test do something around each publication."""

    def __init__(self, lake: Lake, publish: Callable[[Engine, object, Publication], None]) -> None:
        self._lake, self._publish = lake, publish

    def __getattr__(self, name: str) -> object:
        return getattr(self._lake, name)

    def engine(self, name: EngineName) -> object:
        return AroundEngine(self._lake.engine(name), self._publish)


class AroundEngine:
    """A real engine with its `publish` in the test's hands."""

    def __init__(self, engine: Engine, publish: Callable[[Engine, object, Publication], None]) -> None:
        self._engine, self._publish = engine, publish

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def publish(self, frame: object, publication: Publication) -> None:
        self._publish(self._engine, frame, publication)


def around(lake: Lake, publish: Callable[[Engine, object, Publication], None], *declared: TableAsset) -> Materializer:
    surrounded: Any = Around(lake, publish)
    return Materializer(surrounded, Models.from_env(lake), Graph.of(declared), sleep=lambda seconds: None)


def raw_stamps(lake: Lake, key: str) -> list[dict[str, object]]:
    """The stamps of a table's commits, read from the log's own files."""
    log = Path(lake.location(key).uri) / "_delta_log"
    actions = [json.loads(line) for file in sorted(log.glob("*.json")) for line in file.read_text().splitlines()]
    return [json.loads(action["commitInfo"]["userMetadata"]) for action in actions if "commitInfo" in action]


def test_a_run_makes_what_is_missing_inputs_first_and_tells_it(lake: Lake) -> None:
    witness = Witness()
    done = made_by(lake, *line([1, 2])).run(reporter=witness)
    assert witness.started == witness.ends == ["bronze.raw", "silver.clean", "gold.told"]
    assert [(o.action, o.before, o.after, o.rows) for o in done.outcomes] == [("made", None, 0, 2)] * 3
    assert done.is_ok
    assert ids(lake, "gold.told") == [1, 2]


def test_promise_1_a_commit_tells_its_own_story_with_the_data(lake: Lake) -> None:
    """Promise 1: which versions, which code and which run made a commit is in the commit itself."""
    materializer = made_by(lake, *line([1], rows("id > 0")))
    done = materializer.run()
    raw = lake.history("bronze.raw")[0]
    (stamp,) = raw_stamps(lake, "silver.clean")
    assert stamp == {
        "lakeline": 1,
        "asset": "silver.clean",
        "partition": None,
        "code": materializer.observe().observed.code["silver.clean"],
        "inputs": {"bronze.raw": {"table": raw.table_id, "version": 0}},
        "run": done.run,
        "sequence": 1,
        "checks": [{"name": "id > 0", "otherwise": "fail", "failed": 0, "total": 1}],
        "parts": materializer.observe().observed.parts["silver.clean"],
        "engine": "duckdb",
    }


def test_the_log_alone_decides_what_is_fresh(lake: Lake) -> None:
    made_by(lake, *line([1])).run()
    another = made_by(Lake.from_env(), *line([1]))
    assert set(states(another.plan()).values()) == {"FRESH"}


@pytest.mark.slow
def test_a_second_run_does_nothing_and_opens_no_spark(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = (*line([1]), copied("gold.more", "gold.told"))
    made_by(lake, *declared).run()
    monkeypatch.setenv("SPARK_REMOTE", NOWHERE)
    witness = Witness()
    done = made_by(Lake.from_env(), *declared).run(reporter=witness)
    assert set(actions(done).values()) == {"fresh"}
    assert witness.started == []
    assert [len(lake.history(asset.key)) for asset in declared] == [1] * 4


def test_forced_assets_are_made_again_and_the_others_are_not(lake: Lake) -> None:
    materializer = made_by(lake, *line([1]))
    materializer.run()
    done = materializer.run("silver.clean", force=True)
    assert [(o.key, o.action, o.causes) for o in done.outcomes] == [("silver.clean", "made", ("forced",))]
    assert [commit.stamp and commit.stamp.sequence for commit in lake.history("silver.clean")] == [1, 2]
    assert causes(materializer.plan(), "gold.told") == ("input silver.clean v0 -> v1",)


def test_a_selection_makes_only_what_it_names(lake: Lake) -> None:
    done = made_by(lake, *line([1])).run("+silver.clean")
    assert actions(done) == {"bronze.raw": "made", "silver.clean": "made"}
    assert lake.tables() == ("bronze.raw", "silver.clean")


def test_what_has_no_input_yet_is_blocked_and_did_not_fail(lake: Lake) -> None:
    done = made_by(lake, *line([1])).run("gold.told")
    assert done.is_ok
    assert outcome(done, "gold.told").action == "blocked"
    assert outcome(done, "gold.told").causes == ("silver.clean does not exist yet",)


@pytest.mark.slow
def test_promise_3_what_plan_shows_is_what_run_does(lake: Lake) -> None:
    """Promise 3: plan decides and changes nothing, and a run makes exactly what the plan named."""
    made_by(lake, *line([1])).run()
    materializer = made_by(lake, *line([1, 2]), numbers("bronze.other", [7]))
    planned = materializer.plan()
    assert planned == materializer.plan()
    assert [commit.version for commit in lake.history("bronze.raw")] == [0]
    done = materializer.run()
    assert {key for key, action in actions(done).items() if action == "made"} == {step.key for step in planned.work}
    assert {o.key: o.causes for o in done.outcomes} == {step.key: step.causes for step in planned.steps}
    assert materializer.plan().work == ()


@st.composite
def assets_of_a_small_graph(draw: st.DrawFn) -> tuple[TableAsset, ...]:
    size = draw(st.integers(1, 5))
    found = []
    for place in range(size):
        inputs = sorted(draw(st.sets(st.integers(0, place - 1), max_size=3))) if place else []
        keys = [f"silver.t{number}" for number in inputs]
        if not keys:
            found.append(numbers(f"silver.t{place}", [place]))
        elif len(keys) == 1:
            found.append(copied(f"silver.t{place}", keys[0]))
        else:
            found.append(joined(f"silver.t{place}", *keys))
    return tuple(found)


@pytest.mark.slow
@settings(max_examples=12)
@given(declared=assets_of_a_small_graph(), data=st.data())
def test_law_promise_3_the_plan_is_what_is_made_and_then_all_is_fresh(
    tmp_path_factory: pytest.TempPathFactory, declared: tuple[TableAsset, ...], data: st.DataObject
) -> None:
    """Promise 3, for any graph: the work of the plan is what the run makes, and the next plan has no work."""
    lake = Lake(LakeSettings(lakeline_home=tmp_path_factory.mktemp("law")))
    changed = data.draw(st.sampled_from(range(len(declared))))
    with_change = [replace(a, code="changed") if place == changed else a for place, a in enumerate(declared)]
    for graph in (declared, with_change):
        materializer = made_by(lake, *graph)
        planned = materializer.plan()
        made = [o.key for o in materializer.run().outcomes if o.action == "made"]
        assert made == [step.key for step in planned.work]
        assert set(states(materializer.plan()).values()) == {"FRESH"}


def test_promise_4_what_failed_its_checks_is_not_published(lake: Lake) -> None:
    """Promise 4: one failing row and nothing is published; what reads it is left, and other branches go on."""
    declared = (*line([1, -2, -3], rows("id > 0")), copied("gold.beside", "bronze.raw"))
    done = made_by(lake, *declared).run()
    assert actions(done) == {
        "bronze.raw": "made",
        "silver.clean": "failed",
        "gold.told": "skipped",
        "gold.beside": "made",
    }
    assert not done.is_ok
    error = outcome(done, "silver.clean").error
    assert isinstance(error, ChecksFailed)
    assert "nothing was published of silver.clean: 2 of 3 rows fail 'id > 0', such as (id=-2), (id=-3)" in str(error)
    assert lake.tables() == ("bronze.raw", "gold.beside")


def test_a_failing_check_leaves_the_version_before_in_place(lake: Lake) -> None:
    made_by(lake, *line([1], rows("id > 0"))).run()
    failing = made_by(lake, *line([1, -2], rows("id > 0")))
    done = failing.run()
    assert (outcome(done, "silver.clean").before, outcome(done, "silver.clean").after) == (0, 0)
    assert ids(lake, "silver.clean") == [1]
    assert states(failing.plan())["silver.clean"] == "STALE"


def test_what_needs_something_skipped_is_told_the_root_of_it(lake: Lake) -> None:
    declared = (*line([-1], rows("id > 0")), copied("gold.last", "gold.told"))
    done = made_by(lake, *declared).run()
    assert outcome(done, "gold.told").causes == ("silver.clean failed",)
    assert outcome(done, "gold.last").causes == ("gold.told was skipped",)


@pytest.mark.slow
def test_promise_4_a_reader_never_sees_a_row_that_failed(lake: Lake) -> None:
    """Promise 4: polled while runs fail, quarantine and succeed, the table never holds a bad row."""
    check = rows("id > 0", otherwise="quarantine")
    made_by(lake, *line([1], check)).run()
    seen: set[object] = set()
    over = threading.Event()

    def poll() -> None:
        reader = Lake.from_env()
        while not over.is_set():
            seen.update(ids(reader, "silver.clean"))

    reading = threading.Thread(target=poll)
    reading.start()
    try:
        for number in range(2, 6):
            made_by(lake, *line([number, -number], check)).run()
            made_by(lake, *line([number, -number], rows("id > 0"))).run()
    finally:
        over.set()
        reading.join()
    assert seen <= {1, 2, 3, 4, 5}
    assert len(seen) > 1


def test_quarantined_rows_are_kept_with_rule_and_run_and_the_rest_is_published_in_one_commit(lake: Lake) -> None:
    checks = (rows("id > 0", otherwise="quarantine"), unique("id", otherwise="quarantine"))
    done = made_by(lake, *line([1, 2, 2, -3, -3], *checks)).run()
    assert done.is_ok
    assert ids(lake, "silver.clean") == [1]
    assert len(lake.history("silver.clean")) == 1
    kept = lake.read_arrow("quarantine.silver.clean").sort_by("id").to_pylist()
    assert len({row.pop("row_id") for row in kept}) == 4
    assert kept == [
        {"id": number, "failed_checks": rules, "run": done.run, "sequence": 1}
        for number, rules in ((-3, "id > 0; unique(id)"),) * 2 + ((2, "unique(id)"),) * 2
    ]
    assert outcome(done, "silver.clean").notes == (
        "2 of 5 rows fail 'id > 0': kept back in quarantine.silver.clean",
        "4 of 5 rows fail 'unique(id)': kept back in quarantine.silver.clean",
    )
    (stamp,) = (commit.stamp for commit in lake.history("silver.clean"))
    assert stamp
    assert [check.failed for check in stamp.checks] == [2, 4]


@pytest.mark.slow
def test_the_quarantine_of_a_table_that_is_replaced_holds_each_bad_row_once(lake: Lake) -> None:
    check = rows("id > 0", otherwise="quarantine")
    for raw in ([1, -1], [1, 2, -1, -2], [1, 2, 3, -1, -2], [3]):
        made_by(lake, *line(raw, check)).run()
    assert [ids(lake, "quarantine.silver.clean", version) for version in range(4)] == [[-1], [-2, -1], [-2, -1], []]


@pytest.mark.slow
def test_the_quarantine_of_an_append_keeps_what_earlier_versions_put_there(lake: Lake) -> None:
    check = rows("id > 0", otherwise="quarantine")
    for raw in ([1, -1], [1, 2, -1, -2], [3]):
        made_by(lake, *line(raw, check, write="append")).run()
    kept = lake.read_arrow("quarantine.silver.clean").sort_by([("sequence", "ascending"), ("id", "ascending")])
    assert list(zip(kept["sequence"].to_pylist(), kept["id"].to_pylist(), strict=True)) == [(1, -1), (2, -2), (2, -1)]


@pytest.mark.slow
@pytest.mark.long_on_spark
@pytest.mark.parametrize("engine", ["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def test_a_retry_leaves_in_the_quarantine_what_the_published_version_kept_back(lake: Lake, engine: EngineName) -> None:
    def refuse(writer: Engine, frame: object, publication: Publication) -> None:
        if publication.application == "silver.clean":
            raise StoreUnreachable("the store", "it is away")
        writer.publish(frame, publication)

    check = rows("id > 0", otherwise="quarantine")
    failed = around(lake, refuse, *line([1, -1], check, engine=engine)).run()
    assert outcome(failed, "silver.clean").action == "failed"
    assert made_by(lake, *line([1, 2], check, engine=engine)).run().is_ok
    assert lake.read_arrow("quarantine.silver.clean").num_rows == 0


@pytest.mark.slow
@pytest.mark.long_on_spark
@pytest.mark.parametrize("engine", ["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def test_what_a_run_kept_back_that_published_nothing_makes_way_for_who_did(lake: Lake, engine: EngineName) -> None:
    def refuse(writer: Engine, frame: object, publication: Publication) -> None:
        if publication.application == "silver.clean":
            raise StoreUnreachable("the store", "it is away")
        writer.publish(frame, publication)

    check = rows("id > 0", otherwise="quarantine")
    assert made_by(lake, *line([1, -1], check, engine=engine, write="append")).run().is_ok
    failed = around(lake, refuse, *line([1, -2], check, engine=engine, write="append")).run()
    assert outcome(failed, "silver.clean").action == "failed"
    assert ids(lake, "quarantine.silver.clean") == [-2, -1]
    assert made_by(lake, *line([1, -3], check, engine=engine, write="append")).run().is_ok
    assert ids(lake, "quarantine.silver.clean") == [-3, -1]


@pytest.mark.slow
def test_a_table_made_again_leaves_what_was_kept_back_from_the_one_before(lake: Lake) -> None:
    check = rows("id > 0", otherwise="quarantine")
    for bad in (-1, -2):
        assert made_by(lake, *line([1, bad], check, write="append")).run().is_ok
    shutil.rmtree(lake.location("silver.clean").uri)
    for bad in (-3, -4):
        assert made_by(lake, *line([1, bad], check, write="append")).run().is_ok
    assert ids(lake, "quarantine.silver.clean") == [-4, -3, -2, -1]


@pytest.mark.slow
def test_after_a_restore_the_plan_goes_by_what_the_content_was_made_from(lake: Lake) -> None:
    for number in (1, 2):
        assert made_by(lake, *line([number])).run().is_ok
    DeltaTable(lake.location("silver.clean").uri).restore(0)
    planned = {step.key: step for step in made_by(lake, *line([2])).plan().steps}
    assert planned["silver.clean"].state == "STALE"
    assert made_by(lake, *line([2])).run().is_ok
    assert ids(lake, "silver.clean") == [2]
    last = lake.history("silver.clean")[-1].stamp
    assert last is not None
    assert last.sequence == 3


def test_warnings_are_counted_and_published_all_the_same(lake: Lake) -> None:
    checks = (rows("id > 1", otherwise="warn"), matches({"id": "string"}, otherwise="warn"))
    done = made_by(lake, *line([1, 2], *checks)).run()
    assert done.is_ok
    assert ids(lake, "gold.told") == [1, 2]
    (stamp,) = (commit.stamp for commit in lake.history("silver.clean"))
    assert stamp
    assert set(stamp.checks) == {
        CheckResult(name="id > 1", otherwise="warn", failed=1, total=2),
        CheckResult(name="matches(id string)", otherwise="warn", failed=1, total=1),
    }
    assert "1 of 2 rows fail 'id > 1': published all the same" in outcome(done, "silver.clean").notes


def test_a_frame_of_other_columns_than_promised_is_not_published(lake: Lake) -> None:
    done = made_by(lake, *line([1], matches({"id": "bigint", "name": "string"}))).run()
    assert "column 'name' is missing, wanted string" in str(outcome(done, "silver.clean").error)
    assert actions(done)["gold.told"] == "skipped"


def test_references_are_checked_at_the_pinned_version_of_the_other_table(lake: Lake) -> None:
    def made(orders: object, customers: object) -> object:
        return orders

    check = references("id", "bronze.customers", "id", otherwise="quarantine")
    orders = asset("silver.good", inputs={"orders": "bronze.orders"}, engine="duckdb", checks=[check])
    declared = (numbers("bronze.orders", [1, 2, 3]), numbers("bronze.customers", [1, 2]))
    read_both = replace(orders(made), inputs={**orders(made).inputs})
    done = made_by(lake, *declared, read_both).run()
    assert done.is_ok
    assert ids(lake, "silver.good") == [1, 2]
    assert ids(lake, "quarantine.silver.good") == [3]


def test_an_empty_frame_passes_its_checks(lake: Lake) -> None:
    done = made_by(lake, *line([], rows("id > 0"), unique("id"))).run()
    assert done.is_ok
    assert outcome(done, "silver.clean").rows == 0


def test_a_relation_of_the_authors_own_connection_is_checked_and_published(lake: Lake) -> None:
    @asset("bronze.raw", engine="duckdb", checks=[rows("id > 0", otherwise="quarantine")])
    def raw() -> object:
        import duckdb

        return duckdb.connect().sql("SELECT unnest([1, -1, 2]) AS id")

    done = made_by(lake, raw).run()
    assert done.is_ok, outcome(done, "bronze.raw").error
    assert ids(lake, "bronze.raw") == [1, 2]


def test_promise_5_a_retry_after_a_lost_report_makes_no_second_commit(lake: Lake) -> None:
    """Promise 5: the commit happened and its report was lost; the run finds its own stamp and goes on."""

    def lose_the_report(engine: Engine, frame: object, publication: Publication) -> None:
        engine.publish(frame, publication)
        raise StoreUnreachable(publication.location.uri, "the connection was reset")

    done = around(lake, lose_the_report, *line([1])).run()
    assert set(actions(done).values()) == {"made"}
    assert set(actions(made_by(lake, *line([1])).run()).values()) == {"fresh"}
    assert [len(lake.history(asset.key)) for asset in line([1])] == [1, 1, 1]


@pytest.mark.slow
def test_promise_5_a_run_that_dies_at_any_commit_is_finished_by_the_next(lake: Lake) -> None:
    """Promise 5: killed before or after any of its commits, a run leaves nothing that the next writes twice."""

    class Killed(BaseException):
        """No error that anything catches."""

    declared = line([1, -1], rows("id > 0", otherwise="quarantine"))
    commits = ["bronze.raw", "quarantine.silver.clean", "silver.clean", "gold.told"]
    for place in range(2 * len(commits)):
        passed: list[int] = []

        def die_at(
            engine: Engine, frame: object, publication: Publication, place: int = place, passed: list[int] = passed
        ) -> None:
            for act in (lambda: None, lambda: engine.publish(frame, publication)):
                act()
                passed.append(1)
                if len(passed) == place + 1:
                    raise Killed

        fresh = Lake(LakeSettings(lakeline_home=lake.settings.home / str(place)))
        with pytest.raises(Killed):
            around(fresh, die_at, *declared).run()
        assert made_by(fresh, *declared).run().is_ok
        assert made_by(fresh, *declared).plan().work == ()
        assert [len(fresh.history(key)) for key in (commits[0], *commits[2:])] == [1, 1, 1]
        assert ids(fresh, "quarantine.silver.clean") == [-1]


def test_two_runs_of_the_same_make_one_commit_and_the_second_adopts_it(lake: Lake) -> None:
    declared = line([1])
    other = made_by(Lake.from_env(), *declared)
    done = made_by(lake, *declared).run(reporter=Witness({"bronze.raw": other.run}))
    assert actions(done) == {"bronze.raw": "adopted", "silver.clean": "adopted", "gold.told": "adopted"}
    assert done.is_ok
    assert [len(lake.history(asset.key)) for asset in declared] == [1, 1, 1]


@pytest.mark.slow
def test_of_two_runs_of_different_code_one_commits_and_the_other_makes_the_next_version(lake: Lake) -> None:
    other = made_by(Lake.from_env(), *line([7]))
    ours = made_by(lake, *line([1]))
    witness = Witness({"bronze.raw": other.run})
    done = ours.run(reporter=witness)
    assert (outcome(done, "bronze.raw").action, outcome(done, "bronze.raw").tries) == ("made", 2)
    assert "trying again" in witness.notes[0]
    assert "another run has already published number 1 of 'bronze.raw'" in witness.notes[0]
    assert [commit.stamp and commit.stamp.sequence for commit in lake.history("bronze.raw")] == [1, 2]
    assert ids(lake, "gold.told") == [1]
    assert ours.plan().work == ()


def test_promise_6_what_is_recorded_is_what_was_read_when_an_input_moves(lake: Lake) -> None:
    """Promise 6: an input that moves during the run is read and recorded at its pin, and the next plan says stale."""
    raw = numbers("bronze.raw", [1])
    above = (copied("silver.left", "bronze.raw"), copied("silver.right", "bronze.raw"))
    made_by(lake, raw).run()
    materializer = made_by(lake, raw, *above)
    moving = made_by(Lake.from_env(), numbers("bronze.raw", [1, 2]))
    done = materializer.run("silver.*", reporter=Witness({"silver.right": moving.run}))
    assert done.is_ok
    pinned = InputVersion(table=lake.history("bronze.raw")[0].table_id, version=0)
    for asset_ in above:
        (stamp,) = (commit.stamp for commit in lake.history(asset_.key))
        assert stamp
        assert stamp.inputs == {"bronze.raw": pinned}
        assert ids(lake, asset_.key) == [1]
        assert causes(materializer.plan("silver.*"), asset_.key) == ("input bronze.raw v0 -> v1",)


def test_a_function_that_raises_is_told_with_its_line_and_the_rest_goes_on(lake: Lake) -> None:
    done = made_by(
        lake, numbers("bronze.raw", [1]), broken("silver.broken", "bronze.raw"), copied("silver.b", "raw")
    ).run()
    error = outcome(done, "silver.broken").error
    assert isinstance(error, FunctionFailed)
    source = Path(__file__).with_name("authored.py").read_text().splitlines()
    number = 1 + next(place for place, text in enumerate(source) if "no flowers today" in text)
    assert f"authored.py:{number}: ZeroDivisionError: no flowers today" in str(error)
    assert actions(done)["silver.b"] == "made"


class WordlessError(Exception):
    """An error that fails when it is asked what it says."""

    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (WordlessError(), "cannot be read"),
    ],
    ids=["exit", "wordless"],
)
def test_whatever_a_function_raises_fails_its_asset_alone(lake: Lake, raised: BaseException, told: str) -> None:
    def made() -> pa.Table:
        raise raised

    given = asset("bronze.broken", engine="duckdb", code="1")(made)
    done = made_by(lake, given, numbers("bronze.raw", [1])).run()
    assert told in str(outcome(done, "bronze.broken").error)
    assert actions(done) == {"bronze.broken": "failed", "bronze.raw": "made"}


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, "the function returned NoneType"),
        ([1], "the function returned list"),
        (pa.table({}), "at least one column"),
        (pa.table({"at": pa.array([1], pa.time64("us"))}), "a type that Delta does not know"),
        (pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "columns 'a' and 'a' are one name"),
    ],
)
def test_a_function_that_returns_no_frame_of_a_table_is_told_and_the_rest_goes_on(
    lake: Lake, returned: object, told: str
) -> None:
    @asset("bronze.wrong", engine="duckdb", code="1")
    def wrong() -> object:
        return returned

    done = made_by(lake, wrong, numbers("bronze.right", [1])).run()
    error = outcome(done, "bronze.wrong").error
    assert isinstance(error, PlatformError)
    assert told in str(error)
    assert actions(done) == {"bronze.wrong": "failed", "bronze.right": "made"}
    assert lake.tables() == ("bronze.right",)


def test_an_expression_that_no_engine_understands_is_told(lake: Lake) -> None:
    done = made_by(lake, *line([1], rows("no_such_column > 0"))).run()
    error = outcome(done, "silver.clean").error
    assert isinstance(error, CheckUnusable)
    assert "no_such_column" in str(error)


@pytest.mark.slow
def test_a_table_that_was_dropped_is_made_again_and_is_another_table(lake: Lake) -> None:
    import shutil

    materializer = made_by(lake, *line([1]))
    materializer.run()
    before = lake.history("bronze.raw")[0].table_id
    shutil.rmtree(lake.location("bronze.raw").uri)
    assert states(materializer.plan())["bronze.raw"] == "MISSING"
    assert materializer.run().is_ok
    assert lake.history("bronze.raw")[0].table_id != before
    assert materializer.plan().work == ()


@pytest.mark.slow
def test_a_maintenance_commit_of_others_makes_nothing_stale(lake: Lake) -> None:
    import deltalake

    materializer = made_by(lake, *line([1]))
    materializer.run()
    made_by(lake, *line([1])).run("bronze.raw", force=True)
    materializer.run()
    table = deltalake.DeltaTable(lake.location("bronze.raw").uri)
    table.optimize.compact()
    table.vacuum(dry_run=False)
    assert materializer.plan().work == ()


def test_rows_that_others_wrote_into_a_table_make_its_readers_stale(lake: Lake) -> None:
    import deltalake

    materializer = made_by(lake, *line([1]))
    materializer.run()
    deltalake.write_deltalake(lake.location("bronze.raw").uri, pa.table({"id": [9]}), mode="append")
    assert causes(materializer.plan(), "silver.clean") == ("input bronze.raw v0 -> v1",)
    materializer.run()
    assert ids(lake, "gold.told") == [1, 9]


@pytest.mark.slow
def test_what_reads_a_model_is_blocked_while_no_version_has_the_alias(lake: Lake, store: Path) -> None:
    assert store.exists()
    declared = (
        numbers("gold.rows", range(8)),
        line_of_tree(),
        told_by("gold.reviewed", "staging"),
        copied("gold.report", "gold.reviewed"),
    )
    materializer = made_by(lake, *declared)
    done = materializer.run()
    assert actions(done) == {
        "gold.rows": "made",
        "models.tree": "made",
        "gold.reviewed": "blocked",
        "gold.report": "blocked",
    }
    assert done.is_ok
    assert outcome(done, "gold.reviewed").causes == ("no version of models.tree has the alias staging",)
    materializer.models.promote("tree", 1, "staging", by="ann", why="reviewed")
    assert [step.key for step in materializer.plan().work] == ["gold.reviewed", "gold.report"]
    assert materializer.run().is_ok
    assert lake.read_arrow("gold.report").sort_by("id")["told"].to_pylist() == [0] * 5 + [1] * 3
    (stamp,) = (commit.stamp for commit in lake.history("gold.reviewed"))
    assert stamp
    assert (stamp.inputs["models.tree"].version, stamp.inputs["models.tree"].alias) == (1, "staging")
    assert materializer.plan().work == ()


@pytest.mark.slow
def test_promise_3_holds_for_what_reads_a_candidate_that_the_same_run_trains(lake: Lake, store: Path) -> None:
    """Promise 3: the first training sets the candidate, so what reads it is made in the same run, as planned."""
    assert store.exists()
    declared = (numbers("gold.rows", range(8)), line_of_tree(), told_by("gold.first_look", "candidate"))
    for changes in ({}, {"code": "2"}):
        materializer = made_by(lake, declared[0], replace(declared[1], **changes), declared[2])
        planned = materializer.plan()
        done = materializer.run()
        made = [key for key, action in actions(done).items() if action == "made"]
        assert made == [step.key for step in planned.work], done.outcomes
        assert materializer.plan().work == ()
    assert [
        commit.stamp and commit.stamp.inputs["models.tree"].version for commit in lake.history("gold.first_look")
    ] == [
        1,
        2,
    ]


@pytest.mark.slow
def test_promise_5_a_model_that_was_trained_already_is_not_trained_again(lake: Lake, store: Path) -> None:
    """Promise 5, for models: two runs of the same training register one version."""
    assert store.exists()
    declared = (numbers("gold.rows", range(8)), line_of_tree())
    made_by(lake, declared[0]).run()
    other = made_by(Lake.from_env(), *declared)
    done = made_by(lake, *declared).run(reporter=Witness({"models.tree": other.run}))
    assert done.is_ok
    assert [version.version for version in other.models.versions("tree")] == [1]


@pytest.mark.slow
def test_a_model_whose_function_returns_something_else_is_told_with_its_place(lake: Lake, store: Path) -> None:
    assert store.exists()
    from assets import model

    @model("models.wrong", inputs={"rows": "gold.rows"})
    def wrong(rows: object) -> object:
        return rows

    done = made_by(lake, numbers("gold.rows", [1]), wrong).run()
    assert "test_materialize.py" in str(outcome(done, "models.wrong").error)
    assert "what models.wrong returns is Table; wanted assets.Trained" in str(outcome(done, "models.wrong").error)


@pytest.mark.spark
def test_on_spark_a_run_makes_quarantines_and_then_needs_no_spark(
    on_spark: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = (rows("id > 0", otherwise="quarantine"), unique("id"))
    declared = (
        numbers("bronze.raw", [1, 2, -3]),
        copied("silver.clean", "bronze.raw", engine="spark", checks=checks),
        copied("gold.told", "silver.clean", engine="duckdb"),
    )
    done = made_by(lake, *declared).run()
    assert done.is_ok, done.outcomes
    assert ids(lake, "gold.told") == [1, 2]
    kept = lake.read_arrow("quarantine.silver.clean").drop_columns("row_id").to_pylist()
    assert kept == [{"id": -3, "failed_checks": "id > 0", "run": done.run, "sequence": 1}]
    monkeypatch.setenv("SPARK_REMOTE", NOWHERE)
    assert set(actions(made_by(Lake.from_env(), *declared).run()).values()) == {"fresh"}


@pytest.mark.spark
def test_on_spark_a_failing_check_publishes_nothing_and_a_raising_function_is_told(on_spark: str, lake: Lake) -> None:
    def made(rows: object) -> object:
        return rows.select("no_such_column")  # type: ignore[attr-defined]

    declared = (
        numbers("bronze.raw", [1, -2]),
        copied("silver.clean", "bronze.raw", engine="spark", checks=[rows("id > 0")]),
        copied("gold.told", "silver.clean", engine="spark"),
        asset("silver.wrong", inputs={"rows": "bronze.raw"})(made),
        asset("silver.nothing", inputs={"rows": "bronze.raw"}, code="1")(lambda rows: None),
    )
    done = made_by(lake, *declared).run()
    assert actions(done) == {
        "bronze.raw": "made",
        "silver.clean": "failed",
        "gold.told": "skipped",
        "silver.wrong": "failed",
        "silver.nothing": "failed",
    }
    assert "1 of 2 rows fail 'id > 0', such as (id=-2)" in str(outcome(done, "silver.clean").error)
    assert "no_such_column" in str(outcome(done, "silver.wrong").error)
    assert "JVM" not in str(outcome(done, "silver.wrong").error)
    assert "the function returned NoneType" in str(outcome(done, "silver.nothing").error)
    assert lake.tables() == ("bronze.raw",)


@pytest.mark.spark
def test_on_spark_promise_5_a_lost_report_makes_no_second_commit(on_spark: str, lake: Lake) -> None:
    """Promise 5, on Spark: the sequence is Delta's own transaction id."""

    def lose_the_report(engine: Engine, frame: object, publication: Publication) -> None:
        engine.publish(frame, publication)
        engine.publish(frame, publication)
        raise StoreUnreachable(publication.location.uri, "the connection was reset")

    declared = (numbers("bronze.raw", [1]), copied("silver.clean", "bronze.raw", engine="spark", write="append"))
    done = around(lake, lose_the_report, *declared).run()
    assert set(actions(done).values()) == {"made"}
    assert ids(lake, "silver.clean") == [1]
    assert len(lake.history("silver.clean")) == 1


def test_what_was_put_together_and_cleaned_up_is_read_as_it_was(lake: Lake) -> None:
    raw = numbers("bronze.raw", [1], write="append")
    made_by(lake, raw).run()
    made_by(lake, numbers("bronze.raw", [2], write="append")).run()
    table = DeltaTable(lake.location("bronze.raw").uri)
    table.optimize.compact()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    reader = made_by(lake, numbers("bronze.raw", [2], write="append"), copied("silver.clean", "bronze.raw"))
    assert actions(reader.run()) == {"bronze.raw": "fresh", "silver.clean": "made"}
    assert ids(lake, "silver.clean") == [1, 2]
    stamp = lake.history("silver.clean")[-1].stamp
    assert stamp is not None
    assert stamp.inputs["bronze.raw"].version == 1
    assert actions(reader.run()) == {"bronze.raw": "fresh", "silver.clean": "fresh"}
