"""The course of a run: what goes on at the same time, in which order it is told, and how it ends early."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from assets import asset
from assets.asset import Asset, TableAsset
from assets.graph import Graph
from assets.materialize import Done, Materializer
from assets.outcome import Outcome
from assets.plan import Step
from assets.stop import Stop
from lakehouse.engine import Engine, EngineName, Publication
from lakehouse.lake import Lake
from lakehouse.landing import LandedFile
from registry.models import Models
from tests.assets.authored import (
    actions,
    broken,
    copied,
    flowers_landing,
    ids,
    joined,
    line_of_tree,
    made_by,
    numbers,
    put,
    told_by,
)

if TYPE_CHECKING:
    import duckdb

pytestmark = pytest.mark.slow

WAITED = 30


def acting(key: str, act: Callable[[], object], of: str | None = None, **options: object) -> TableAsset:
    """A table of one row, whose function does something on the way."""

    def alone() -> pa.Table:
        act()
        return pa.table({"id": [1]})

    def reading(rows: object) -> pa.Table:
        act()
        return pa.table({"id": [1]})

    inputs = {} if of is None else {"rows": of}
    declared: Any = {"inputs": inputs, "engine": "duckdb", "code": "1", **options}
    return asset(key, **declared)(alone if of is None else reading)


class Told:
    """Who is told, and in which thread."""

    def __init__(self) -> None:
        self.threads: set[threading.Thread] = set()
        self.ends: list[str] = []

    def starting(self, step: Step) -> None:
        self.threads.add(threading.current_thread())

    def noted(self, key: str, line: str) -> None:
        self.threads.add(threading.current_thread())

    def ended(self, outcome: Outcome) -> None:
        self.threads.add(threading.current_thread())
        self.ends.append(outcome.key)


def test_two_assets_that_do_not_need_each_other_are_made_at_the_same_time(lake: Lake) -> None:
    both = threading.Barrier(2, timeout=WAITED)
    told = Told()
    done = made_by(lake, acting("bronze.a", both.wait), acting("bronze.b", both.wait)).run(reporter=told)
    assert actions(done) == {"bronze.a": "made", "bronze.b": "made"}
    assert told.threads == {threading.current_thread()}


def test_an_asset_starts_when_its_own_inputs_are_made_and_the_outcomes_are_in_the_graphs_order(lake: Lake) -> None:
    last = threading.Event()
    declared = (
        acting("bronze.slow", lambda: last.wait(WAITED)),
        numbers("bronze.quick", [1]),
        copied("silver.quick_one", "bronze.quick"),
        acting("gold.quick_two", last.set, of="silver.quick_one"),
    )
    told = Told()
    done = made_by(lake, *declared).run(reporter=told)
    assert told.ends.index("silver.quick_one") < told.ends.index("bronze.slow")
    assert [o.key for o in done.outcomes] == list(Graph.of(declared).order)
    assert done.outcomes[0].key == "bronze.slow"
    assert done.is_ok


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_are_made_at_once_than_were_allowed(lake: Lake, jobs: int) -> None:
    within, most, lock = 0, 0, threading.Lock()

    def act() -> None:
        nonlocal within, most
        with lock:
            within += 1
            most = max(most, within)
        time.sleep(0.03)
        with lock:
            within -= 1

    done = made_by(lake, *(acting(f"bronze.t{number}", act) for number in range(5))).run(jobs=jobs)
    assert done.is_ok
    assert most == jobs


def test_an_error_stops_what_reads_it_and_nothing_beside_it(lake: Lake) -> None:
    going_on = threading.Event()
    declared = (
        numbers("bronze.raw", [1]),
        broken("silver.broken", "bronze.raw"),
        acting("gold.never", lambda: None, of="silver.broken"),
        acting("silver.beside", lambda: going_on.wait(0.2), of="bronze.raw"),
        copied("gold.beside_too", "silver.beside"),
    )
    assert actions(made_by(lake, *declared).run()) == {
        "bronze.raw": "made",
        "silver.broken": "failed",
        "gold.never": "skipped",
        "silver.beside": "made",
        "gold.beside_too": "made",
    }


def test_an_error_that_nobody_expected_ends_the_run_and_is_not_hidden(lake: Lake) -> None:
    class Unheard(BaseException):
        """No error that anything catches."""

    def act() -> None:
        raise Unheard

    with pytest.raises(Unheard):
        made_by(lake, acting("bronze.a", act), numbers("bronze.b", [1])).run()


def test_a_run_that_is_asked_to_end_commits_nothing_that_had_not_come_to_it(lake: Lake) -> None:
    stop = Stop()
    declared = (acting("bronze.a", stop.ask), copied("silver.after", "bronze.a"), numbers("bronze.later", [1]))
    done = made_by(lake, *declared).run(stop=stop, jobs=1)
    assert actions(done) == {"bronze.a": "interrupted", "bronze.later": "left", "silver.after": "left"}
    assert (done.is_ok, done.is_interrupted, done.abandoned) == (False, True, ())
    assert lake.tables() == ()


def test_what_is_being_published_when_a_run_is_asked_to_end_is_told_as_it_ended(lake: Lake) -> None:
    stop = Stop()

    class Asking:
        """A real engine that asks the run to end while it publishes."""

        def __init__(self, engine: Engine) -> None:
            self._engine = engine

        def __getattr__(self, name: str) -> object:
            return getattr(self._engine, name)

        def publish(self, frame: object, publication: Publication) -> None:
            stop.ask()
            time.sleep(0.1)
            self._engine.publish(frame, publication)

    class Around:
        """A real lake with such engines."""

        def __getattr__(self, name: str) -> object:
            return getattr(lake, name)

        def engine(self, name: EngineName) -> object:
            return Asking(lake.engine(name))

    around: Any = Around()
    graph = Graph.of((numbers("bronze.a", [1]), copied("silver.after", "bronze.a")))
    done = Materializer(around, Models.from_env(lake), graph).run(stop=stop)
    ended = (
        "made" if "bronze.a" in lake.tables() else "interrupted"
    )  # its rows were written before the wish came, or not
    assert actions(done) == {"bronze.a": ended, "silver.after": "left"}
    assert set(actions(made_by(lake, *graph.assets.values()).run()).values()) == {"fresh", "made"}


def test_a_long_query_of_duckdbs_own_connection_is_interrupted(lake: Lake) -> None:
    stop, began = Stop(), time.monotonic()

    @asset("silver.long", engine="duckdb", code="1")
    def long() -> "duckdb.DuckDBPyRelation":
        import duckdb

        threading.Timer(0.3, stop.ask).start()
        return duckdb.sql("SELECT count(*) AS id FROM range(99999999999) t(i) WHERE hash(i) % 7 = 1")

    done = made_by(lake, long).run(stop=stop)
    assert actions(done) == {"silver.long": "interrupted"}
    assert time.monotonic() - began < WAITED


def test_a_long_query_is_interrupted(lake: Lake) -> None:
    stop, began = Stop(), time.monotonic()

    @asset("silver.long", inputs={"rows": "bronze.raw"}, engine="duckdb", code="1")
    def long(rows: "duckdb.DuckDBPyRelation") -> "duckdb.DuckDBPyRelation":
        threading.Timer(0.3, stop.ask).start()
        return rows.query("r", "SELECT count(*) AS id FROM range(99999999999) t(i) WHERE hash(i) % 7 = 1")

    done = made_by(lake, numbers("bronze.raw", [1]), long).run(stop=stop)
    assert actions(done) == {"bronze.raw": "made", "silver.long": "interrupted"}
    assert done.abandoned == ()
    assert time.monotonic() - began < WAITED
    assert lake.tables() == ("bronze.raw",)


@pytest.mark.slow
def test_a_function_that_does_not_end_is_left_behind_and_never_commits(lake: Lake) -> None:
    stop, release = Stop(), threading.Event()

    def act() -> None:
        stop.ask()
        release.wait(WAITED)

    done = made_by(lake, acting("bronze.a", act)).run(stop=stop)
    assert actions(done) == {"bronze.a": "interrupted"}
    assert done.abandoned == ("bronze.a",)
    release.set()
    for thread in threading.enumerate():
        if thread.name == "makes bronze.a":
            thread.join(WAITED)
    assert lake.tables() == ()


def test_a_pause_before_another_try_ends_where_the_run_is_to_end(lake: Lake) -> None:
    from lakehouse.errors import StoreUnreachable

    stop, began = Stop(), time.monotonic()

    def act() -> None:
        threading.Timer(0.1, stop.ask).start()
        raise StoreUnreachable("the store", "it is away")

    materializer = Materializer(lake, Models.from_env(lake), Graph.of((acting("bronze.a", act, retries=9),)))
    done = materializer.run(stop=stop)
    assert actions(done) == {"bronze.a": "interrupted"}
    assert time.monotonic() - began < WAITED


def test_nobody_hears_a_wish_where_no_run_is_under_way() -> None:
    assert Stop().ask() is False


def eight(lake: Lake, number: int) -> tuple[Asset, ...]:
    """Landed files taken in twice over, a diamond, a check that keeps rows back, and a model with what reads it."""
    put(lake, f"{number}.csv", f"id,name\n{number},rose\n")
    put(lake, f"{number}.bad.csv", f"no header of ours {number}\n")
    return (
        flowers_landing(),
        copied("bronze.one", "landing.flowers", write="append"),
        copied("bronze.two", "landing.flowers", write="append"),
        numbers("bronze.raw", range(number + 6)),
        copied("silver.left", "bronze.raw"),
        copied("silver.right", "bronze.raw"),
        joined("gold.rows", "silver.left", "silver.right"),
        line_of_tree(),
        told_by("gold.told", "candidate"),
    )


@pytest.mark.slow
def test_eight_assets_at_once_six_times_over_lose_nothing(lake: Lake, store: Path) -> None:
    assert store.exists()
    for number in range(6):
        done = made_by(lake, *eight(lake, number)).run(jobs=8)
        assert done.is_ok, [(o.key, o.action, o.error) for o in done.outcomes]
        assert Counter(actions(done).values()) == {"made": 8}
        assert all(o.tries == 1 for o in done.outcomes), done.outcomes
        assert made_by(lake, *eight(lake, number)).plan().work == ()
    for key in ("bronze.one", "bronze.two"):
        assert sorted(map(int, map(str, ids(lake, key)))) == list(range(6))
    for key in ("bronze.one", "silver.left", "gold.rows", "gold.told"):
        assert [c.stamp and c.stamp.sequence for c in lake.history(key)] == list(range(1, 7))
    told = [c.stamp for c in lake.history("gold.told")]
    assert [stamp and stamp.inputs["models.tree"].version for stamp in told] == list(range(1, 7))
    assert not [stamp for c in lake.history("gold.rows") if (stamp := c.stamp) and "skew" in stamp.extra]


@pytest.mark.spark
def test_on_spark_a_running_job_is_cancelled_and_beside_it_the_commit_ends(on_spark: str, lake: Lake) -> None:
    stop = Stop()

    def long(rows: object) -> object:
        threading.Timer(2, stop.ask).start()
        return rows.crossJoin(rows.sparkSession.range(10**12)).selectExpr("count(distinct hash(id)) AS n")  # type: ignore[attr-defined]

    declared = (
        numbers("bronze.raw", [1, 2, 3], engine="duckdb"),
        copied("silver.short", "bronze.raw", engine="spark"),
        asset("silver.unending", inputs={"rows": "bronze.raw"}, code="1")(
            lambda rows: long(rows.selectExpr("id AS other"))
        ),
        copied("gold.after", "silver.unending", engine="spark"),
    )
    made_by(lake, *declared[:2]).run()
    began = time.monotonic()
    done: Done = made_by(lake, *declared).run(stop=stop)
    assert actions(done)["silver.unending"] == "interrupted", done.outcomes
    assert actions(done)["gold.after"] == "left"
    assert done.abandoned == ()
    assert time.monotonic() - began < 60
    assert lake.history("silver.unending") == ()
    assert made_by(lake, copied("gold.again", "bronze.raw", engine="spark"), declared[0]).run().is_ok


@pytest.mark.spark
def test_on_spark_assets_share_one_session_at_the_same_time(on_spark: str, lake: Lake) -> None:
    from assets import rows

    declared: list[Asset] = [numbers("bronze.raw", range(50))]
    declared += [
        copied(f"silver.t{n}", "bronze.raw", engine="spark", checks=[rows(f"id <> {n}", otherwise="quarantine")])
        for n in range(6)
    ]
    done = made_by(lake, *declared).run(jobs=4)
    assert done.is_ok, done.outcomes
    for n in range(6):
        assert ids(lake, f"silver.t{n}") == [number for number in range(50) if number != n]
        assert ids(lake, f"quarantine.silver.t{n}") == [n]


def test_landed_files_that_two_assets_set_aside_at_once_are_kept_for_both(lake: Lake, tmp_path: Path) -> None:
    from lakehouse import landing

    bad = put(lake, "bad.csv", "wrong\n")
    file = LandedFile(name="flowers/bad.csv", content="a" * 64, size=bad.stat().st_size, changed=0)
    threads = [
        threading.Thread(target=landing.set_aside, args=(lake.settings.landing, file, tmp_path / "aside", "wrong"))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept.name for kept in (tmp_path / "aside").iterdir()) == [
        f"{'a' * 12}-bad.csv",
        f"{'a' * 12}-bad.csv.reason.json",
    ]
