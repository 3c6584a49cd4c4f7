"""Landed files through the whole: taken in once, set aside with a reason, and never forgotten."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable

from assets import external, rows
from assets.asset import Asset, External
from assets.errors import UnknownAsset
from assets.graph import Graph
from assets.landing import land_files
from assets.lineage import Lineage
from assets.materialize import Materializer
from lakehouse.lake import Lake
from lakehouse.landing import NotLandable
from tests.assets.authored import actions, causes, copied, flowers_landing, ids, made_by, numbers, put, states

ROSE, TULIP, LILY = "id,name\n1,rose\n", "id,name\n2,tulip\n", "id,name\n3,lily\n"
RAW = "bronze.flowers_raw"


@pytest.fixture
def line(lake: Lake) -> Materializer:
    return made_by(lake, *declared())


def declared() -> tuple[Asset, ...]:
    return (
        flowers_landing(),
        copied(RAW, "landing.flowers", write="append"),
        copied("silver.flowers_clean", RAW, checks=[rows("length(name) > 0", otherwise="quarantine")]),
    )


def test_nothing_is_made_while_nothing_has_landed(line: Materializer) -> None:
    assert causes(line.plan(), RAW) == ("landing.flowers does not exist yet",)
    done = line.run()
    assert set(actions(done).values()) == {"blocked"}
    assert done.is_ok


@pytest.mark.slow
def test_a_new_file_is_appended_with_where_it_came_from(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    line.run()
    put(lake, "b.csv", TULIP)
    assert causes(line.plan(), RAW) == ("input landing.flowers v1 -> v2",)
    done = line.run()
    assert set(actions(done).values()) == {"made"}
    found = lake.read_arrow(RAW).sort_by("id").to_pylist()
    assert [(row["id"], row["source_file"], row["source_row"]) for row in found] == [
        ("1", "flowers/a.csv", 1),
        ("2", "flowers/b.csv", 1),
    ]
    assert all(row["source_hash"] and row["taken_at"] for row in found)
    assert line.plan().work == ()


def test_a_file_that_landed_again_or_was_renamed_adds_nothing(lake: Lake, line: Materializer) -> None:
    first = put(lake, "a.csv", ROSE)
    line.run()
    put(lake, "copy.csv", ROSE)
    first.rename(first.with_name("renamed.csv"))
    put(lake, "a.csv", ROSE)
    assert line.plan().work == ()
    assert line.run(force=True).is_ok
    assert ids(lake, RAW) == ["1"]


def test_two_files_of_the_same_content_are_one(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    put(lake, "b.csv", ROSE)
    line.run()
    assert ids(lake, RAW) == ["1"]
    assert line.plan().work == ()


def test_a_file_that_was_written_over_is_a_new_file(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    line.run()
    changed = put(lake, "a.csv", TULIP)
    os.utime(changed, (1_700_000_100, 1_700_000_100))
    line.run()
    assert ids(lake, RAW) == ["1", "2"]
    assert line.plan().work == ()


def test_new_code_of_an_append_takes_no_file_twice(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    line.run()
    put(lake, "b.csv", TULIP)
    landing, raw, clean = declared()
    assert not isinstance(raw, External)
    again = made_by(lake, landing, replace(raw, code="2"), clean)
    assert causes(again.plan(), RAW) == ("code", "input landing.flowers v1 -> v2")
    again.run()
    assert ids(lake, RAW) == ["1", "2"]
    assert again.plan().work == ()


def test_a_malformed_file_is_set_aside_with_its_reason_and_the_good_ones_go_on(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    bad = put(lake, "bad.csv", "id,name\n7\n")
    done = line.run()
    assert done.is_ok
    assert ids(lake, RAW) == ["1"]
    (note,) = next(outcome.notes for outcome in done.outcomes if outcome.key == RAW)
    assert note.startswith("flowers/bad.csv was set aside: line 2 has 1 fields, wanted 2 (a copy is ")
    aside = lake.settings.home / "rejected" / "landing.flowers"
    (kept,) = aside.glob("*bad.csv")
    assert kept.read_bytes() == bad.read_bytes()
    assert json.loads((aside / f"{kept.name}.reason.json").read_text())["reason"] == "line 2 has 1 fields, wanted 2"
    (stamp,) = (commit.stamp for commit in lake.history(RAW))
    assert stamp
    assert list(stamp.inputs["landing.flowers"].extra["rejected"].values()) == ["line 2 has 1 fields, wanted 2"]  # type: ignore[attr-defined]
    assert line.plan().work == ()


@pytest.mark.slow
def test_a_malformed_file_is_told_once_and_taken_when_it_was_mended(lake: Lake, line: Materializer) -> None:
    bad = put(lake, "bad.csv", "id,name\n7\n")
    line.run()
    assert ids(lake, RAW) == []
    assert line.plan().work == ()
    bad.write_text("id,name\n7,iris\n")
    os.utime(bad, (1_700_000_100, 1_700_000_100))
    done = line.run()
    assert [outcome.notes for outcome in done.outcomes] == [(), ()]
    assert ids(lake, "silver.flowers_clean") == ["7"]


@pytest.mark.slow
def test_a_file_that_is_still_being_written_is_left_to_the_next_run(lake: Lake, line: Materializer) -> None:
    import threading

    put(lake, "a.csv", ROSE)
    growing = put(lake, "b.csv", "id,name\n")
    over = threading.Event()

    def write_on() -> None:
        while not over.wait(0.05):
            with growing.open("a") as file:
                file.write("2,tulip\n")

    os.utime(growing)
    writing = threading.Thread(target=write_on)
    writing.start()
    try:
        line.run()
    finally:
        over.set()
        writing.join()
    assert ids(lake, RAW) == ["1"]
    os.utime(growing, (1_700_000_100, 1_700_000_100))
    assert causes(line.plan(), RAW) == ("input landing.flowers v1 -> v2",)
    line.run()
    assert set(ids(lake, RAW)) == {"1", "2"}
    assert line.plan().work == ()


def test_a_file_that_changes_between_the_look_and_the_reading_is_left_to_the_next_run(
    lake: Lake, line: Materializer
) -> None:
    put(lake, "a.csv", ROSE)
    changing = put(lake, "b.csv", TULIP)

    class Meddler:
        def starting(self, step: object) -> None:
            changing.write_text(TULIP + "4,violet\n")
            os.utime(changing, (1_700_000_100, 1_700_000_100))

        def ended(self, outcome: object) -> None:
            """Says nothing."""

    assert line.run(reporter=Meddler()).is_ok
    assert ids(lake, RAW) == ["1"]
    assert states(line.plan())[RAW] == "STALE"
    line.run()
    assert ids(lake, RAW) == ["1", "2", "4"]
    assert line.plan().work == ()


@pytest.mark.slow
def test_a_file_that_vanishes_between_the_look_and_the_reading_stops_nobody(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    vanishing = put(lake, "b.csv", TULIP)

    class Meddler:
        def starting(self, step: object) -> None:
            vanishing.unlink(missing_ok=True)

        def ended(self, outcome: object) -> None:
            """Says nothing."""

    done = line.run(reporter=Meddler())
    assert done.is_ok, done.outcomes
    assert ids(lake, RAW) == ["1"]
    assert line.plan().work == ()


@pytest.mark.slow
def test_a_file_that_is_deleted_after_it_was_taken_in_loses_nothing_and_makes_nothing_stale(
    lake: Lake, line: Materializer
) -> None:
    first = put(lake, "a.csv", ROSE)
    put(lake, "b.csv", TULIP)
    line.run()
    first.unlink()
    assert line.plan().work == ()
    put(lake, "c.csv", LILY)
    line.run()
    assert ids(lake, "silver.flowers_clean") == ["1", "2", "3"]
    assert line.plan().work == ()
    shutil.rmtree(lake.settings.landing)
    assert line.plan().work == ()
    assert line.run(force=True).is_ok
    assert ids(lake, "silver.flowers_clean") == ["1", "2", "3"]


def test_a_replaced_table_reads_all_that_lies_there(lake: Lake) -> None:
    put(lake, "a.csv", ROSE)
    materializer = made_by(lake, flowers_landing(), copied("bronze.flowers_all", "landing.flowers"))
    materializer.run()
    put(lake, "b.csv", TULIP)
    materializer.run()
    assert ids(lake, "bronze.flowers_all") == ["1", "2"]
    assert [commit.rows for commit in lake.history("bronze.flowers_all")] == [1, 2]
    assert materializer.plan().work == ()


@pytest.mark.slow
def test_two_readers_of_one_landing_take_in_what_each_has_not(lake: Lake) -> None:
    put(lake, "a.csv", ROSE)
    both = (*declared(), copied("bronze.flowers_all", "landing.flowers"))
    materializer = made_by(lake, *both)
    materializer.run(RAW)
    put(lake, "b.csv", TULIP)
    materializer.run("bronze.flowers_all")
    assert states(materializer.plan())["bronze.flowers_all"] == "FRESH"
    materializer.run()
    assert ids(lake, RAW) == ids(lake, "bronze.flowers_all") == ["1", "2"]
    assert materializer.plan().work == ()


def test_a_column_order_of_its_own_and_empty_values_are_no_fault(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", "name,id\nrose,1\n,2\n")
    assert line.run().is_ok
    assert ids(lake, "silver.flowers_clean") == ["1"]
    assert ids(lake, "quarantine.silver.flowers_clean") == ["2"]


def test_a_file_without_rows_is_taken_in_once(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", "id,name\n")
    assert line.run().is_ok
    assert line.plan().work == ()
    put(lake, "b.csv", ROSE)
    line.run()
    assert ids(lake, "silver.flowers_clean") == ["1"]


def test_a_table_that_is_gone_is_taken_in_again_from_what_lies_there(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    line.run()
    shutil.rmtree(lake.location(RAW).uri)
    put(lake, "b.csv", TULIP)
    line.run()
    assert ids(lake, "silver.flowers_clean") == ["1", "2"]
    assert line.plan().work == ()


def test_files_are_landed_whole_and_where_the_external_looks(lake: Lake, line: Materializer, tmp_path: Path) -> None:
    source = tmp_path / "sent.csv"
    source.write_text(ROSE)
    (landed,) = land_files(Graph.of(declared()), [source], None)
    assert landed == lake.settings.landing / "flowers" / "sent.csv"
    os.utime(landed, (1_700_000_000, 1_700_000_000))
    line.run()
    assert ids(lake, RAW) == ["1"]


def test_files_that_do_not_fit_are_not_landed_and_none_is(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "sent.csv").write_text(ROSE)
    (tmp_path / "sent.txt").write_text(ROSE)
    graph = Graph.of(declared())
    with pytest.raises(NotLandable, match=r"landing.flowers takes files named '\*.csv'"):
        land_files(graph, [tmp_path / "sent.csv", tmp_path / "sent.txt"], None)
    with pytest.raises(NotLandable, match="it is not a file"):
        land_files(graph, [tmp_path / "sent.csv", tmp_path / "nothing.csv"], None)
    with pytest.raises(UnknownAsset, match="landing.flowers"):
        land_files(graph, [tmp_path / "sent.csv"], "landing.flower")
    with pytest.raises(UnknownAsset):
        land_files(Graph.of([numbers("bronze.a", [1])]), [tmp_path / "sent.csv"], None)
    with pytest.raises(NotLandable, match="landing.shop is a Delta table, which its own system writes"):
        land_files(Graph.of([external("landing.shop", table="shop")]), [tmp_path / "sent.csv"], "landing.shop")
    assert not lake.settings.landing.exists()


@pytest.mark.spark
def test_on_spark_files_are_appended_once_and_an_empty_append_adds_nothing(on_spark: str, lake: Lake) -> None:
    landing, _, clean = declared()
    materializer = made_by(lake, landing, copied(RAW, "landing.flowers", write="append", engine="spark"), clean)
    put(lake, "a.csv", ROSE)
    assert materializer.run().is_ok
    put(lake, "b.csv", TULIP)
    put(lake, "bad.csv", "id\n7\n")
    assert materializer.run().is_ok
    done = materializer.run(RAW, force=True)
    assert done.is_ok, done.outcomes
    assert ids(lake, "silver.flowers_clean") == ids(lake, RAW) == ["1", "2"]
    assert materializer.plan().work == ()


def test_a_table_made_of_all_files_is_stale_when_one_is_gone(lake: Lake) -> None:
    of_all = made_by(lake, flowers_landing(), copied(RAW, "landing.flowers"))
    gone = put(lake, "a.csv", ROSE)
    put(lake, "b.csv", TULIP)
    of_all.run()
    gone.unlink()
    assert causes(of_all.plan(), RAW) == ("input landing.flowers: 1 files gone",)
    of_all.run()
    assert ids(lake, RAW) == ["2"]
    assert of_all.plan().work == ()


def test_an_external_has_one_version_for_all_that_read_it(lake: Lake, line: Materializer) -> None:
    first = put(lake, "b.csv", TULIP)
    line.run()
    first.unlink()
    put(lake, "c.csv", LILY)
    line.run()
    other = made_by(lake, flowers_landing(), copied("bronze.others", "landing.flowers"))
    other.run()
    told = [lake.history(key)[-1].stamp for key in (RAW, "bronze.others")]
    assert [stamp.inputs["landing.flowers"].version for stamp in told if stamp] == [2, 2]


def test_a_file_that_was_set_aside_is_not_what_a_version_was_made_from(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    put(lake, "bad.csv", "id,name\n7\n")
    line.run()
    assert [file.name for file in Lineage.of(lake).find(RAW).files] == ["flowers/a.csv"]


@pytest.mark.slow
def test_files_that_a_restore_undid_are_taken_in_again(lake: Lake, line: Materializer) -> None:
    put(lake, "a.csv", ROSE)
    line.run()
    put(lake, "b.csv", TULIP)
    line.run()
    DeltaTable(lake.location(RAW).uri).restore(0)
    assert [file.name for file in Lineage.of(lake).find(RAW).files] == ["flowers/a.csv"]
    assert states(line.plan())[RAW] == "STALE"
    line.run()
    assert ids(lake, RAW) == ["1", "2"]
