"""Rows that were kept back, mended, and released through the same checks: once, whatever stops it."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from assets import asset, merge, row_count, rows, unique
from assets.asset import TableAsset
from assets.errors import ChecksFailed, ReleaseRefused
from assets.graph import Graph
from assets.release import Release, released
from lakehouse.engine import Engine, EngineName, Publication
from lakehouse.errors import StoreUnreachable
from lakehouse.lake import Lake
from registry.models import Models
from tests.assets.authored import copied, ids, made_by, states
from tests.assets.test_materialize import Around

KEY = "silver.clean"
KEPT = f"quarantine.{KEY}"
CHECKS = (rows("amount > 0", otherwise="quarantine"), unique("id", otherwise="quarantine"))
ENGINES = [pytest.param("duckdb", marks=pytest.mark.slow), pytest.param("spark", marks=pytest.mark.spark)]


def orders(
    amounts: dict[int, int], *checks: object, engine: EngineName = "duckdb", **options: object
) -> tuple[TableAsset, ...]:
    """A raw table and its copy, whose checks are given."""

    def made() -> pa.Table:
        return pa.table({"id": pa.array(amounts, pa.int64()), "amount": pa.array(amounts.values(), pa.int64())})

    def copied(rows: object) -> object:
        return rows

    raw = asset("bronze.raw", engine="duckdb", code=str(amounts))(made)
    declare = asset(KEY, inputs={"rows": "bronze.raw"}, engine=engine, checks=checks or CHECKS, **options)  # type: ignore[arg-type]
    return (raw, declare(copied))


def mend(lake: Lake, declared: tuple[TableAsset, ...], mended: dict[int, int], why: str = "typed wrong") -> Release:
    """Releases the kept rows of these ids with other amounts."""
    kept = lake.read_arrow(KEPT)
    rows = [{**row, "amount": mended[row["id"]]} for row in kept.to_pylist() if row["id"] in mended]

    def read(like: pa.Schema) -> pa.Table:
        return pa.Table.from_pylist([{name: row[name] for name in like.names} for row in rows], schema=like)

    return released(lake, Models.from_env(lake), Graph.of(declared), KEY, read, why)


def amounts(lake: Lake) -> dict[int, int]:
    table = lake.read_arrow(KEY)
    found = list(zip(table["id"].to_pylist(), table["amount"].to_pylist(), strict=True))
    assert len(dict(found)) == len(found)
    return dict(sorted(found))


def stamp(lake: Lake, key: str = KEY) -> dict[str, object]:
    log = sorted((Path(lake.location(key).uri) / "_delta_log").glob("*.json"))[-1]
    infos = [json.loads(line) for line in log.read_text().splitlines()]
    (info,) = (line["commitInfo"] for line in infos if "commitInfo" in line)
    told: dict[str, object] = json.loads(info["userMetadata"])
    return told


@pytest.mark.parametrize("engine", ENGINES)
def test_mended_rows_are_published_in_one_commit_that_says_so_and_leave_the_quarantine(
    lake: Lake, engine: EngineName
) -> None:
    declared = orders({1: 10, 2: -20, 3: -30}, engine=engine)
    materializer = made_by(lake, *declared)
    materializer.run()
    row = next(row for row in lake.read_arrow(KEPT).to_pylist() if row["id"] == 2)
    done = mend(lake, declared, {2: 20})
    assert (done.version, done.released, done.stays, done.unknown) == (1, 1, {}, ())
    assert amounts(lake) == {1: 10, 2: 20}
    assert ids(lake, KEPT) == [3]
    told = stamp(lake)
    assert told["released"] == {"rows": [row["row_id"]], "why": "typed wrong"}
    assert told["sequence"] == 2
    assert told["checks"] == [
        {"name": "amount > 0", "otherwise": "quarantine", "failed": 0, "total": 1},
        {"name": "unique(id)", "otherwise": "quarantine", "failed": 0, "total": 1},
    ]
    assert states(materializer.plan())[KEY] == "FRESH"


@pytest.mark.long_on_spark
@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_that_is_computed_anew_finds_what_was_mended_in_place_of_the_same_wrong_row(
    lake: Lake, engine: EngineName
) -> None:
    declared = orders({1: 10, 2: -20, 3: -30}, engine=engine)
    made_by(lake, *declared).run()
    mend(lake, declared, {2: 20})
    assert made_by(lake, *declared).run(force=True).is_ok
    assert amounts(lake) == {1: 10, 2: 20}
    assert ids(lake, KEPT) == [3]
    assert stamp(lake)["repaired"] == {"version": 0, "rows": 1}
    more = orders({1: 10, 2: -20, 3: -30, 4: -40, 5: 50}, engine=engine)
    assert made_by(lake, *more).run().is_ok
    assert amounts(lake) == {1: 10, 2: 20, 5: 50}
    assert ids(lake, KEPT) == [3, 4]


@pytest.mark.long_on_spark
@pytest.mark.parametrize("engine", ENGINES)
def test_a_repair_that_no_longer_fits_its_column_is_passed_over_and_told(lake: Lake, engine: EngineName) -> None:
    """The column was made narrower; the repair of another row still fits."""

    def narrowed(rows: object) -> object:
        sql = "id, CAST(amount AS INT) AS amount"
        return rows.selectExpr("id", sql.partition(", ")[2]) if engine == "spark" else rows.project(sql)  # type: ignore[attr-defined]

    declared = orders({1: 10, 2: -20, 3: -30}, engine=engine)
    made_by(lake, *declared).run()
    mend(lake, declared, {2: 3_000_000_000, 3: 30})
    narrower = asset(KEY, inputs={"rows": "bronze.raw"}, engine=engine, checks=CHECKS)(narrowed)
    done = made_by(lake, declared[0], narrower).run()
    assert done.is_ok
    assert any(
        note.startswith("1 repairs hold values that the columns no longer do") for note in done.outcomes[1].notes
    )
    assert amounts(lake) == {1: 10, 3: 30}
    assert str(lake.read_arrow(KEY).schema.field("amount").type) == "int32"
    assert ids(lake, KEPT) == [2]


@pytest.mark.slow
def test_a_row_that_was_mended_at_its_source_is_not_there_twice(lake: Lake) -> None:
    declared = orders({1: 10, 2: -20})
    made_by(lake, *declared).run()
    mend(lake, declared, {2: 20})
    assert made_by(lake, *orders({1: 10, 2: 21})).run().is_ok
    assert amounts(lake) == {1: 10, 2: 21}
    assert ids(lake, KEPT) == []


@pytest.mark.slow
def test_what_fails_again_stays_and_is_told(lake: Lake) -> None:
    declared = orders({1: 10, 2: -20, 3: -30})
    made_by(lake, *declared).run()
    done = mend(lake, declared, {2: 20, 3: -3})
    assert done.released == 1
    assert list(done.stays.values()) == ["amount > 0"]
    assert ids(lake, KEPT) == [3]
    assert lake.read_arrow(KEPT)["amount"].to_pylist() == [-30]


@pytest.mark.slow
def test_a_mended_row_must_be_unique_among_those_that_are_there(lake: Lake) -> None:
    declared = orders({1: 10, 2: -20})
    made_by(lake, *declared).run()
    kept = lake.read_arrow(KEPT)

    def read(like: pa.Schema) -> pa.Table:
        row = kept.to_pylist()[0]
        return pa.Table.from_pylist([{"row_id": row["row_id"], "id": 1, "amount": 5}], schema=like)

    done = released(lake, Models.from_env(lake), Graph.of(declared), KEY, read, "why")
    assert (done.version, list(done.stays.values())) == (None, ["unique(id)"])
    assert amounts(lake) == {1: 10}


@pytest.mark.slow
def test_a_release_that_a_check_forbids_publishes_nothing(lake: Lake) -> None:
    checks = (rows("amount > 0", otherwise="quarantine"), rows("amount < 100"), row_count(at_most=1))
    declared = orders({1: 10, 2: -20}, *checks)
    made_by(lake, *declared).run()
    for amount, told in ((200, "1 of 1 rows fail 'amount < 100'"), (20, "2 rows, wanted at most 1")):
        with pytest.raises(ChecksFailed, match=told):
            mend(lake, declared, {2: amount})
    assert amounts(lake) == {1: 10}
    assert ids(lake, KEPT) == [2]


@pytest.mark.slow
def test_an_append_gets_mended_rows_once_and_its_next_batch_only_its_own(lake: Lake) -> None:
    made_by(lake, *orders({1: 10, 2: -20}, write="append")).run()
    declared = orders({2: -20, 3: 30}, write="append")
    mend(lake, declared, {2: 20})
    assert amounts(lake) == {1: 10, 2: 20}
    assert made_by(lake, *declared).run().is_ok
    assert amounts(lake) == {1: 10, 2: 20, 3: 30}
    assert ids(lake, KEPT) == [2]


@pytest.mark.long_on_spark
@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_row_that_comes_again_to_a_merge_is_kept_back_once_and_can_be_released(
    lake: Lake, engine: EngineName
) -> None:
    for number in range(3):
        declared = orders({1: 10, 2: -20, 3 + number: -30 - number}, engine=engine, write=merge(on="id"))
        assert made_by(lake, *declared).run().is_ok
    assert ids(lake, KEPT) == [2, 3, 4, 5]
    assert len(set(lake.read_arrow(KEPT)["row_id"].to_pylist())) == 4
    assert mend(lake, declared, {2: 20}).released == 1
    assert amounts(lake) == {1: 10, 2: 20}
    assert ids(lake, KEPT) == [3, 4, 5]


@pytest.mark.slow
def test_a_wrong_row_stays_kept_back_where_the_run_that_found_it_again_published_nothing(lake: Lake) -> None:
    """The next run does not find it any more, for a merge is given what changed."""
    options = {"write": merge(on="id"), "retries": 0}
    made_by(lake, *orders({1: 10, 2: -20}, **options)).run()
    around = Around(lake, Stopped(3, after=False))  # the raw table, then the quarantine, then the table
    assert not made_by(around, *orders({2: -20, 3: 30}, **options)).run().is_ok  # type: ignore[arg-type]
    declared = orders({3: 30, 4: 40}, **options)
    assert made_by(lake, *declared).run().is_ok
    assert ids(lake, KEPT) == [2]
    assert mend(lake, declared, {2: 20}).released == 1


class Stopped:
    """Publishes until the commit of that number, and is stopped before or after it."""

    def __init__(self, at: int, *, after: bool) -> None:
        self._at, self._after, self._made = at, after, 0

    def __call__(self, engine: Engine, frame: object, publication: Publication) -> None:
        self._made += 1
        if self._made == self._at and not self._after:
            raise StoreUnreachable("the store", "stopped")
        engine.publish(frame, publication)
        if self._made == self._at:
            raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("runs_between", [False, True])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_promise_5_a_release_that_was_stopped_at_any_commit_publishes_once_when_it_is_called_again(
    lake: Lake, at: int, after: bool, runs_between: bool
) -> None:
    """Promise 5: stopped before or after each of the three commits, with and without a run in between."""
    declared = orders({1: 10, 2: -20, 3: -30})
    made_by(lake, *declared).run()
    around = Around(lake, Stopped(at, after=after))
    with pytest.raises((StoreUnreachable, KeyboardInterrupt)):
        mend(around, declared, {2: 20})  # type: ignore[arg-type]
    if runs_between:
        made_by(lake, *declared).run(force=True)
    mend(lake, declared, {2: 20})
    for _ in range(2):
        assert amounts(lake) == {1: 10, 2: 20}
        assert ids(lake, KEPT) == [3]
        assert made_by(lake, *declared).run(force=True).is_ok


@pytest.mark.slow
def test_what_a_run_kept_back_that_published_nothing_waits_for_the_next(lake: Lake) -> None:
    made_by(lake, *orders({1: 10, 2: -20}, write="append")).run()
    declared = orders({3: -30, 4: 40}, write="append", retries=0)
    around = Around(lake, Stopped(3, after=False))  # the raw table, then the quarantine, then the table
    assert not made_by(around, *declared).run().is_ok  # type: ignore[arg-type]
    release = mend(lake, declared, {3: 30})
    assert release.released == 0
    assert set(release.stays.values()) == {"the run that kept it back has published nothing yet; run the asset first"}
    assert made_by(lake, *declared).run().is_ok
    assert mend(lake, declared, {3: 30}).released == 1
    assert amounts(lake) == {1: 10, 3: 30, 4: 40}


@pytest.mark.slow
def test_a_file_that_names_rows_wrongly_is_refused(lake: Lake) -> None:
    declared = orders({1: 10, 2: -20})
    with pytest.raises(ReleaseRefused, match="no row of it was ever kept back"):
        mend_of(lake, declared, [])
    made_by(lake, *declared).run()
    with pytest.raises(ReleaseRefused, match="'x-1' stands there twice"):
        mend_of(lake, declared, ["x-1", "x-1"])
    assert mend_of(lake, declared, ["x-1"]).unknown == ("x-1",)


def mend_of(lake: Lake, declared: tuple[TableAsset, ...], named: list[str]) -> Release:
    def read(like: pa.Schema) -> pa.Table:
        return pa.Table.from_pylist([{"row_id": name, "id": 1, "amount": 1} for name in named], schema=like)

    return released(lake, Models.from_env(lake), Graph.of(declared), KEY, read, "why")


@pytest.mark.slow
def test_a_column_with_a_name_of_the_quarantines_own_is_refused(lake: Lake) -> None:
    def made() -> pa.Table:
        return pa.table({"id": [1], "run": ["a"]})

    check = rows("id > 0", otherwise="quarantine")
    done = made_by(lake, asset("bronze.raw", engine="duckdb", checks=[check])(made)).run()
    assert "column 'run' has the name of one that the quarantine adds" in str(done.outcomes[0].error)


def test_a_column_named_like_the_audits_own_is_refused(lake: Lake) -> None:
    def made() -> pa.Table:
        return pa.table({"id": [1, -1], "__lakeline_failed_0": [1, 2]})

    check = rows("id > 0", otherwise="quarantine")
    done = made_by(lake, asset("bronze.raw", engine="duckdb", checks=[check])(made)).run()
    assert "column '__lakeline_failed_0' begins like those that the audit adds" in str(done.outcomes[0].error)


@pytest.mark.slow
def test_a_table_without_checks_any_more_has_no_rows_kept_back_that_could_be_released_twice(lake: Lake) -> None:
    made_by(lake, *orders({1: 10, 2: -20})).run()
    assert made_by(lake, *orders({1: 10, 2: -20}, row_count(at_least=1, otherwise="warn"))).run().is_ok
    assert ids(lake, KEPT) == []
    made_by(lake, *orders({1: 10, 2: -20})).run()
    assert made_by(lake, orders({1: 10, 2: -20})[0], copied(KEY, "bronze.raw")).run().is_ok
    assert ids(lake, KEPT) == []
    assert amounts(lake) == {1: 10, 2: -20}


def test_a_release_passes_on_what_a_newer_stamp_says(lake: Lake) -> None:
    declared = orders({1: 5, 2: -1})
    made_by(lake, *declared).run("*")
    log = Path(lake.location(KEY).uri) / "_delta_log" / "00000000000000000000.json"
    text = log.read_text()
    newer = text.replace('\\"lakeline\\":1', '\\"lakeline\\":2,\\"future\\":\\"kept\\",\\"selection\\":\\"x\\"')
    assert newer != text
    log.write_text(newer)
    mend(lake, declared, {2: 7})
    first, second = (commit.stamp for commit in lake.history(KEY))
    assert first
    assert second
    assert second.extra["future"] == "kept"
    assert second.extra.keys() == (first.extra.keys() - {"selection"}) | {"released"}
