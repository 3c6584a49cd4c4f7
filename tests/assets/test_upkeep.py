"""Upkeep of a lake: what is kept and for whom, what goes, and that nobody notices."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from assets import external, rows
from assets.asset import Asset, TableAsset
from assets.errors import InputGone, UnknownAsset
from assets.graph import Graph
from assets.lineage import Lineage
from assets.materialize import Materializer
from assets.tending import Tended, Tender, Upkeep, lost_to_models
from assets.upkeep import NEWEST, Kept, Standing, keep, wants
from lakehouse.engine import RETENTION
from lakehouse.errors import VersionUnreadable
from lakehouse.history import Commit
from lakehouse.lake import Lake
from lakehouse.stamp import InputVersion, Stamp
from lakehouse.table import TableVersion
from lakehouse.upkeep import MANY
from registry.door import opened
from registry.models import Models
from registry.settings import RegistrySettings
from tests.assets.authored import (
    actions,
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

NONE = timedelta(0)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def commit(version: int, hour: int, effective: int | None = None, table: str = "t") -> Commit:
    return Commit(
        table_id=table,
        version=version,
        effective=version if effective is None else effective,
        at=NOON + timedelta(hours=hour),
        operation="WRITE",
        rows=1,
        replaces=True,
        stamp=None,
    )


def versions(kept: tuple[Kept, ...]) -> dict[int, tuple[str, ...]]:
    return {each.version: each.why for each in kept}


def test_what_was_the_newest_within_the_grace_is_kept() -> None:
    commits = [commit(number, number) for number in range(5)]
    assert versions(keep(commits, (), NOON + timedelta(hours=9))) == {4: (NEWEST,)}
    assert versions(keep(commits, (), NOON + timedelta(hours=2))) == {2: (), 3: (), 4: (NEWEST,)}
    assert [each.recent for each in keep(commits, (), NOON + timedelta(hours=2))] == [True, True, False]
    assert keep((), (), NOON) == ()


def test_a_clock_that_jumps_back_shortens_no_grace() -> None:
    commits = [commit(0, 0), commit(1, 8), commit(2, -5), commit(3, -4)]
    assert set(versions(keep(commits, (), NOON + timedelta(hours=7)))) == {0, 1, 2, 3}


def test_the_version_that_maintenance_left_as_it_was_is_kept_with_its_own() -> None:
    commits = [commit(0, 0), commit(1, 1), commit(2, 2, effective=1)]
    assert versions(keep(commits, (), NOON + timedelta(hours=9))) == {1: (NEWEST,)}
    later = [*commits, commit(3, 10)]
    assert set(versions(keep(later, (), NOON + timedelta(hours=9)))) == {1, 2, 3}


def tender(made: Materializer) -> Tender:
    return Tender(made.lake, made.models, made.graph)


def tended(upkeep: Upkeep, key: str) -> Tended:
    return next(table for table in upkeep.tables if table.key == key)


def readable(lake: Lake, key: str) -> list[int]:
    found = []
    for version in range(len(lake.history(key))):
        try:
            lake.read_arrow(key, version)
        except VersionUnreadable:
            continue
        found.append(version)
    return found


def grown(lake: Lake, times: int, *declared: Asset) -> Materializer:
    """Runs with another table at the top each time."""
    for number in range(1, times + 1):
        made = made_by(lake, numbers("bronze.top", range(number)), *declared)
        made.run()
    return made


@pytest.mark.slow
def test_old_versions_go_what_a_table_was_made_from_stays_and_all_is_fresh(lake: Lake) -> None:
    grown(lake, 3, copied("silver.rest", "bronze.top"))
    made = made_by(lake, numbers("bronze.top", range(9)), copied("silver.rest", "bronze.top"))
    made.run("bronze.top")
    looked = tender(made).run(grace=NONE, dry_run=True)
    assert readable(lake, "bronze.top") == [0, 1, 2, 3], "a look changes nothing"
    done = tender(made).run(grace=NONE)
    assert done == looked, "what a look shows is what is done"
    assert versions(tended(done, "bronze.top").kept) == {2: ("silver.rest v2 was made from it",), 3: (NEWEST,)}
    assert tended(done, "bronze.top").removed.files == 2
    assert readable(lake, "bronze.top")[:2] == [2, 3]
    assert readable(lake, "silver.rest")[0] == 2
    assert states(made.plan()) == {"bronze.top": "FRESH", "silver.rest": "STALE"}
    made.run()
    assert set(states(made.plan()).values()) == {"FRESH"}
    again = tender(made).run(grace=NONE)
    assert tended(again, "bronze.top").removed.files == 1
    commits = [len(lake.history(key)) for key in lake.tables()]
    last = tender(made).run(grace=NONE)
    assert {table.removed.files for table in last.tables} == {0}
    assert [len(lake.history(key)) for key in lake.tables()] == commits, "with nothing to do, nothing is committed"


def test_a_run_at_work_keeps_what_it_read_and_a_look_opens_no_engine(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = grown(lake, 2)
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:1")
    done = tender(made).run()
    assert tended(done, "bronze.top").removed.files == 0
    assert readable(lake, "bronze.top") == [0, 1]
    later = Tender(lake, made.models, made.graph, clock=lambda: datetime.now(UTC) + timedelta(days=8))
    assert tended(later.run(dry_run=True), "bronze.top").removed.files == 1


@pytest.mark.slow
def test_promise_8_what_a_model_was_trained_on_stays_until_a_person_lets_it_go(lake: Lake, store: Path) -> None:
    """Promise 8: the version stays readable until the model's version is deleted from MLflow."""
    assert store.exists()
    declared = (copied("gold.rows", "bronze.top"), line_of_tree())
    made = grown(lake, 2, *declared)
    made.models.promote("tree", 1, "production", by="ann", why="reviewed")
    for number in (3, 4):
        made = made_by(lake, numbers("bronze.top", range(number)), *declared)
        made.run("bronze.top, gold.rows")
    done = tender(made).run(grace=NONE)
    assert versions(tended(done, "gold.rows").kept) == {
        0: ("models.tree v1 (production) was trained on it",),
        1: ("models.tree v2 (candidate) was trained on it",),
        3: (NEWEST,),
    }
    assert readable(lake, "gold.rows")[:3] == [0, 1, 3]
    assert len(ids(lake, "gold.rows", 0)) == 1
    assert readable(lake, "bronze.top")[0] == 3, "what the inputs came from is kept with --deep alone"
    assert lost_to_models(lake, made.models, made.graph) == (2, ())

    opened(made.models.settings).delete_model_version("tree", "1")
    looked = tender(made).run(grace=NONE, dry_run=True)
    assert [(model.name, model.version) for model in looked.let_go] == [("tree", 1)]
    assert made.models.removed("tree") == (), "a look journals nothing"
    assert set(versions(tended(looked, "gold.rows").kept)) == {1, 3}
    done = tender(made).run(grace=NONE)
    assert tended(done, "gold.rows").removed.files == 1
    assert [event.event for event in made.models.events("tree")][-1] == "removed"
    assert readable(lake, "gold.rows")[0] == 1
    assert tender(made).run(grace=NONE).let_go == ()
    assert made.models.agreement().differences == ()
    assert lost_to_models(lake, made.models, made.graph) == (1, ())

    shutil.move(store, store.with_suffix(".away"))
    assert tender(made).run(grace=NONE).let_go == (), "a store that is not there lets nothing go"


@pytest.mark.slow
def test_deep_keeps_what_a_model_can_be_made_again_from_to_the_first_table(lake: Lake, store: Path) -> None:
    assert store.exists()
    declared = (copied("silver.clean", "bronze.top"), copied("gold.rows", "silver.clean"), line_of_tree())
    grown(lake, 1, *declared)
    made = made_by(lake, numbers("bronze.top", range(4)), *declared)
    made.run("bronze.top, silver.clean, gold.rows")
    done = tender(made).run(grace=NONE, deep=True)
    by = "models.tree v1 (candidate) comes from it, by"
    assert versions(tended(done, "silver.clean").kept)[0] == (f"{by} gold.rows v0",)
    assert versions(tended(done, "bronze.top").kept)[0] == (f"{by} silver.clean v0",)
    assert {key: readable(lake, key)[0] for key in ("bronze.top", "silver.clean", "gold.rows")} == {
        "bronze.top": 0,
        "silver.clean": 0,
        "gold.rows": 0,
    }


@pytest.mark.slow
def test_what_a_prediction_was_made_from_stays(lake: Lake, store: Path) -> None:
    assert store.exists()
    declared = (copied("gold.rows", "bronze.top"), line_of_tree(), told_by("gold.told", "candidate"))
    made = grown(lake, 1, *declared)
    for number in (2, 3):
        made = made_by(lake, numbers("bronze.top", range(number)), *declared)
        made.run("bronze.top, gold.rows")
    done = tender(made).run(grace=NONE)
    assert versions(tended(done, "gold.rows").kept)[0] == (
        "gold.told v0 was made from it",
        "models.tree v1 (candidate) was trained on it",
    )
    assert readable(lake, "gold.rows")[0] == 0


@pytest.mark.slow
def test_a_selection_tends_its_tables_and_what_was_kept_back_from_them(lake: Lake) -> None:
    check = rows("id > 0", otherwise="quarantine")
    declared = (copied("silver.rest", "bronze.top", checks=[check]), copied("gold.told", "silver.rest"))
    made = grown(lake, 3, *declared)
    done = tender(made).run("silver.rest", grace=NONE)
    assert [table.key for table in done.tables] == ["silver.rest", "quarantine.silver.rest"]
    assert readable(lake, "gold.told") == [0, 1, 2]
    with pytest.raises(UnknownAsset):
        tender(made).run("silver.rests")
    everything = tender(made).run(grace=NONE)
    assert {table.key for table in everything.tables} == set(lake.tables())
    assert states(made.plan()) == {"bronze.top": "FRESH", "silver.rest": "FRESH", "gold.told": "FRESH"}


@pytest.mark.slow
def test_foreign_tables_are_never_touched(lake: Lake) -> None:
    for key in ("outside.orders", "outside.others"):
        for number in range(3):
            deltalake.write_deltalake(lake.location(key).uri, pa.table({"id": [number]}), mode="overwrite")
    stamped = Stamp(asset="outside.orders", code="", inputs={}, run="r", sequence=1).encode()
    properties = deltalake.CommitProperties(custom_metadata={"userMetadata": stamped})
    deltalake.write_deltalake(
        lake.location("outside.orders").uri, pa.table({"id": [9]}), mode="overwrite", commit_properties=properties
    )
    made = made_by(lake, external("outside.orders", table="outside/orders"), copied("silver.mine", "outside.orders"))
    made.run()
    for selection in ("*", "outside.orders"):
        done = tender(made).run(selection, grace=NONE)
        assert not [table for table in done.tables if table.key.startswith("outside.")]
    assert (readable(lake, "outside.orders"), readable(lake, "outside.others")) == ([0, 1, 2, 3], [0, 1, 2])


def beside(lake: Lake, made: Materializer, happens: Callable[[], object], grace: timedelta = NONE) -> Upkeep:
    """Upkeep that has read all logs when something happens, and has removed nothing yet."""
    left = [happens]

    def clock() -> datetime:
        if left:
            left.pop()()
        return datetime.now(UTC)

    return Tender(lake, made.models, made.graph, clock=clock).run(grace=grace)


@pytest.mark.slow
@pytest.mark.parametrize("grace", [NONE, timedelta(days=7)])
def test_versions_that_are_made_while_upkeep_is_at_work_stay(lake: Lake, store: Path, grace: timedelta) -> None:
    assert store.exists()
    tree = line_of_tree(of="silver.rows")
    made = made_by(lake, numbers("silver.rows", [1, 9]), tree)
    made.run("silver.rows")

    def happens() -> None:
        made_by(lake, numbers("silver.rows", [2, 9]), tree).run()
        made_by(lake, numbers("silver.rows", [3, 9]), tree).run("silver.rows")

    done = beside(lake, made, happens, grace)
    assert tended(done, "silver.rows").removed.files == 0
    assert readable(lake, "silver.rows") == [0, 1, 2]
    assert lost_to_models(lake, made.models, made.graph) == (1, ())


@pytest.mark.slow
def test_an_old_version_that_a_model_or_a_table_is_made_from_while_upkeep_is_at_work_stays(
    lake: Lake, store: Path
) -> None:
    assert store.exists()
    declared = (copied("silver.rest", "bronze.top"), line_of_tree(of="bronze.top"))
    for number in range(5):
        made = made_by(lake, numbers("bronze.top", [number, 9]), *declared)
        made.run("bronze.top, silver.rest" if number == 4 else "bronze.top")

    def happens() -> None:
        made.run("models.tree", pins=["bronze.top@1"])
        made.run("silver.rest", pins=["bronze.top@2"])

    done = beside(lake, made, happens)
    assert versions(tended(done, "bronze.top").kept) == {
        1: ("models.tree v1 (candidate) was trained on it",),
        2: ("silver.rest v1 was made from it",),
        4: (NEWEST,),
    }
    assert readable(lake, "bronze.top")[:3] == [1, 2, 4]
    assert tended(done, "bronze.top").removed.files == 2
    assert lost_to_models(lake, made.models, made.graph) == (1, ())


@pytest.mark.slow
@pytest.mark.parametrize("passed", ["trained", "registered"])
def test_a_model_whose_input_upkeep_removed_meanwhile_is_not_registered(lake: Lake, store: Path, passed: str) -> None:
    assert store.exists()
    for number in range(3):
        made = made_by(lake, numbers("silver.rows", [number, 9]))
        made.run()
    tree = line_of_tree(of="silver.rows")
    done: list[Upkeep] = []

    def at(point: str) -> None:
        if point == passed and not done:
            done.append(tender(made).run(grace=NONE))

    def trained(rows: pa.Table) -> object:
        at("trained")
        return tree.function(rows)

    models = Models(RegistrySettings.from_env(), lake, passing=at)
    graph = Graph.of([numbers("silver.rows", [2, 9]), replace(tree, function=trained, code="1")])
    trains = Materializer(lake, models, graph)
    outcome = trains.run("models.tree", pins=["silver.rows@0"]).outcomes[0]
    assert tended(done[0], "silver.rows").removed.files == 2
    assert isinstance(outcome.error, InputGone)
    assert "silver.rows v0" in str(outcome.error)
    assert models.versions("tree") == ()
    assert models.aliases_in_mlflow("tree") == {}
    assert lost_to_models(lake, models, graph) == (0, ())
    assert trains.run("models.tree").is_ok
    assert models.aliases("tree")["candidate"] == models.versions("tree")[0]
    assert models.agreement().differences == ()


@pytest.mark.slow
def test_a_table_that_is_dropped_while_upkeep_is_at_work_loses_nothing_more(lake: Lake) -> None:
    made = grown(lake, 3, copied("silver.rest", "bronze.top"))
    top = lake.location("bronze.top").uri

    def happens() -> None:
        shutil.rmtree(top)
        for number in range(2):
            deltalake.write_deltalake(top, pa.table({"id": [number]}), mode="overwrite")

    done = beside(lake, made, happens)
    assert tended(done, "bronze.top").removed.files == 0
    assert "made anew" in tended(done, "bronze.top").note
    assert readable(lake, "bronze.top") == [0, 1]


def test_one_commit_of_another_engine_makes_it_the_writer_of_nothing(lake: Lake) -> None:
    made = grown(lake, 3)
    signed = {"timestamp": 1, "operation": "SET TBLPROPERTIES", "engineInfo": "Apache-Spark/4.0.0 Delta-Lake/4.0.0"}
    log = Path(lake.location("bronze.top").uri) / "_delta_log"
    (log / f"{3:020}.json").write_text(json.dumps({"commitInfo": signed}))
    done = tender(made).run(grace=NONE)
    assert (lake.writer("bronze.top"), tended(done, "bronze.top").engine) == ("duckdb", "duckdb")
    assert tended(done, "bronze.top").removed.files == 2


@pytest.mark.slow
def test_small_files_of_a_growing_table_are_put_together_and_nothing_becomes_stale(lake: Lake) -> None:
    declared = (flowers_landing(), copied("bronze.flowers_raw", "landing.flowers", write="append"))
    for number in range(MANY):
        put(lake, f"{number}.csv", f"id,name\n{number},rose\n")
        made = made_by(lake, *declared, copied("silver.flowers_clean", "bronze.flowers_raw"))
        made.run()
    done = tender(made).run(grace=NONE)
    assert tended(done, "bronze.flowers_raw").compacted.files == MANY
    assert len(deltalake.DeltaTable(lake.location("bronze.flowers_raw").uri).file_uris()) == 1
    assert set(states(made.plan()).values()) == {"FRESH"}
    put(lake, "more.csv", "id,name\n99,tulip\n")
    assert set(actions(made.run()).values()) == {"made"}
    assert tended(tender(made).run(grace=NONE), "bronze.flowers_raw").removed.files == MANY
    assert len(ids(lake, "silver.flowers_clean")) == MANY + 1
    assert set(states(made.plan()).values()) == {"FRESH"}


@pytest.mark.slow
def test_a_version_that_somebody_vacuumed_by_hand_is_told_and_the_others_go_on(lake: Lake, store: Path) -> None:
    assert store.exists()
    declared = (copied("gold.rows", "bronze.top"), line_of_tree())
    grown(lake, 1, *declared)
    made = made_by(lake, numbers("bronze.top", range(4)), *declared)
    made.run("bronze.top, gold.rows")
    table = deltalake.DeltaTable(lake.location("gold.rows").uri)
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    done = tender(made).run(grace=NONE)
    assert done.is_ok
    assert tended(done, "gold.rows").lost == ("v0 has lost 1 files (models.tree v1 (candidate) was trained on it)",)
    assert tended(done, "bronze.top").removed.files == 1
    assert lost_to_models(lake, made.models, made.graph) == (
        1,
        ("gold.rows v0 (models.tree v1 (candidate) was trained on it)",),
    )
    shutil.rmtree(lake.location("gold.rows").uri)
    assert lost_to_models(lake, made.models, made.graph)[1] == (
        "gold.rows v0 of a table that was dropped (models.tree v1 (candidate) was trained on it)",
    )


@pytest.mark.slow
def test_a_table_that_cannot_be_understood_is_told_and_the_others_go_on(lake: Lake) -> None:
    made = grown(lake, 2, copied("silver.rest", "bronze.top"))
    folder = Path(lake.location("silver.rest").uri)
    deltalake.DeltaTable(str(folder)).create_checkpoint()
    (folder / "_delta_log" / f"{0:020}.json").unlink()
    done = tender(made).run(grace=NONE)
    assert "left alone" in tended(done, "silver.rest").note
    assert tended(done, "bronze.top").removed.files == 1


@pytest.mark.slow
def test_a_restored_version_and_what_it_was_made_from_stay(lake: Lake) -> None:
    made = grown(lake, 3, copied("silver.rest", "bronze.top"))
    deltalake.DeltaTable(lake.location("silver.rest").uri).restore(0)
    before = states(made.plan())
    done = tender(made).run(grace=NONE)
    assert versions(tended(done, "silver.rest").kept) == {0: (NEWEST,)}
    assert versions(tended(done, "bronze.top").kept)[0] == ("silver.rest v3 was made from it",)
    assert readable(lake, "bronze.top")[0] == 0
    assert ids(lake, "silver.rest") == ids(lake, "silver.rest", 0) == [0]
    assert states(made.plan()) == before


def test_each_partition_keeps_what_it_was_made_from() -> None:
    def stamped(version: int, partition: str) -> Commit:
        read = InputVersion(table="up", version=version)
        stamp = Stamp(asset="a.b", code="", inputs={"a.up": read}, run="", sequence=version, partition=partition)
        return replace(commit(version, version), stamp=stamp)

    commits = (stamped(1, "x"), stamped(2, "y"), stamped(3, "y"))
    from assets.lineage import Version

    told = tuple(Version(key="a.b", version=c.version, table=c.table_version, at=c.at, stamp=c.stamp) for c in commits)
    found = wants(Lineage(versions={"a.b": told}), {"a.b": commits}, Standing())
    assert {(want.key, want.table) for want in found} == {
        ("a.up", TableVersion(table_id="up", version=1)),
        ("a.up", TableVersion(table_id="up", version=3)),
    }


def growing() -> tuple[TableAsset, ...]:
    """A table that each forced run adds a row to, and one that is made anew of all of them."""
    return (replace(numbers("bronze.top", [1]), write="append"), copied("silver.rest", "bronze.top"))


UPKEEP = """
from datetime import timedelta
from assets.tending import Tender
from lakehouse.lake import Lake
from tests.assets.authored import made_by
from tests.assets.test_upkeep import growing

made = made_by(Lake.from_env(), *growing())
import deltalake
print("at work", flush=True)
Tender(made.lake, made.models, made.graph).run(grace=timedelta(0))
"""


@pytest.mark.slow
def test_upkeep_killed_at_any_moment_is_finished_by_the_next(lake: Lake) -> None:
    made = made_by(lake, *growing())
    whole = 0.5
    for part in (9.0, 0.1, 0.3, 0.5, 0.7, 0.9):
        for _ in range(MANY):
            made.run(force=True)
        command = [sys.executable, "-c", UPKEEP]
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        started = time.monotonic()
        try:
            assert process.wait(whole * part if part < 1 else 60) == 0
            whole = time.monotonic() - started
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        newest = [lake.history(key)[-1] for key in ("bronze.top", "silver.rest")]
        assert {len(ids(lake, key)) for key in ("bronze.top", "silver.rest")} == {newest[0].rows}
        assert newest[0].rows == newest[1].rows
        assert len(ids(lake, "bronze.top", newest[0].effective)) == newest[0].rows
    assert not [table.lost for table in tender(made).run(grace=NONE).tables if table.lost]
    again = tender(made).run(grace=NONE, dry_run=True)
    assert {table.removed.files for table in again.tables} == {0}
    assert len(ids(lake, "silver.rest")) == 6 * MANY
    assert set(states(made.plan()).values()) == {"FRESH"}


@pytest.mark.slow
def test_upkeep_beside_runs_takes_nothing_from_them(lake: Lake) -> None:
    declared: tuple[TableAsset, ...] = (
        replace(numbers("bronze.top", [1]), write="append"),
        copied("silver.left", "bronze.top"),
        copied("silver.right", "bronze.top"),
    )
    made_by(lake, *declared).run()
    is_over = threading.Event()
    said: list[Upkeep] = []

    def tend() -> None:
        made = made_by(Lake.from_env(), *declared)
        while not is_over.is_set():
            said.append(tender(made).run(grace=timedelta(hours=1)))

    thread = threading.Thread(target=tend)
    thread.start()
    try:
        failed = []
        for _ in range(MANY):
            outcomes = made_by(Lake.from_env(), *declared).run(force=True).outcomes
            failed += [str(o.error) for o in outcomes if o.error]
    finally:
        is_over.set()
        thread.join()
    assert not [word for word in failed if "run again" not in word], "at most a commit came between"
    assert said
    made = made_by(lake, *declared)
    made.run()
    assert set(states(made.plan()).values()) == {"FRESH"}
    assert ids(lake, "silver.left") == ids(lake, "silver.right") == ids(lake, "bronze.top")


@pytest.mark.spark
def test_a_table_of_spark_is_tended_by_spark_and_a_table_of_duckdb_by_delta_rs(lake: Lake) -> None:
    declared = (copied("silver.rest", "bronze.top"),)
    for number in range(1, 4):
        made = made_by(lake, numbers("bronze.top", range(number), engine="spark"), *declared)
        made.run() if number < 3 else made.run("bronze.top")
    done = tender(made).run(grace=NONE)
    assert {table.key: (table.engine, table.removed.files) for table in done.tables} == {
        "bronze.top": ("spark", 1),
        "silver.rest": ("duckdb", 1),
    }
    assert readable(lake, "bronze.top")[:2] == [1, 2]
    writers = {}
    for key in lake.tables():
        log = lake.location(key).child("_delta_log")
        for name in lake.files.names(log):
            if name.endswith(".json"):
                info = json.loads(lake.files.read(log, name).splitlines()[0]).get("commitInfo", {})
                writers.setdefault(key, set()).add(str(info.get("engineInfo", "")).split("/")[0].split(":")[0])
    assert writers["silver.rest"] == {"delta-rs"}
    assert writers["bronze.top"] == {"Apache-Spark"}
    assert set(RETENTION.values()) == {"interval 3650 days"}
    made.run()
    assert set(states(made.plan()).values()) == {"FRESH"}
