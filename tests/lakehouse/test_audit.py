"""The audit, on both engines: a frame is computed once, and nobody reads a row that a check held back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from assets import asset, custom, references, row_count, rows, unique
from assets.asset import TableAsset
from lakehouse.audit import RowRule
from lakehouse.engine import EngineName
from lakehouse.lake import Lake
from tests.assets.authored import made_by

KEY = "silver.seen"
BIG = 1_000


@pytest.fixture(params=[pytest.param("duckdb", marks=pytest.mark.slow), pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest) -> EngineName:
    if request.param == "spark":
        request.getfixturevalue("on_spark")
    name: EngineName = request.param
    return name


@pytest.fixture
def lake(engine: EngineName) -> Lake:
    return Lake.from_env()


def raw(ids: list[int]) -> TableAsset:
    """Written by DuckDB, read by both."""

    def made() -> pa.Table:
        return pa.table({"id": pa.array(ids, pa.int64())})

    return asset("bronze.raw", engine="duckdb", code=str(ids))(made)


def all_kinds(engine: EngineName, told: Callable[[object], object]) -> TableAsset:
    """A frame of rows that are others whenever they are computed, and a check of each kind that looks at them."""
    checks = (
        rows("id % 10 <> 0", otherwise="quarantine"),
        rows("chance < 0.5", otherwise="quarantine"),
        unique("token"),
        references("id", "bronze.raw", "id"),
        custom("told", told),
        row_count(at_least=1),
    )

    def made(rows: object) -> object:
        if engine == "duckdb":
            return rows.project("id, uuid()::VARCHAR AS token, random() AS chance")  # type: ignore[attr-defined]
        return rows.selectExpr("id", "uuid() AS token", "rand() AS chance")  # type: ignore[attr-defined]

    return asset(KEY, inputs={"rows": "bronze.raw"}, engine=engine, checks=checks)(made)


def test_a_frame_is_computed_once_for_its_audit_the_quarantine_and_the_commit(lake: Lake, engine: EngineName) -> None:
    audited: set[str] = set()

    def told(frame: object) -> bool:
        found = frame.toArrow() if engine == "spark" else frame.to_arrow_table()  # type: ignore[attr-defined]
        audited.update(found["token"].to_pylist())
        return True

    assert made_by(lake, raw(list(range(BIG))), all_kinds(engine, told)).run().is_ok
    good, bad = lake.read_arrow(KEY), lake.read_arrow("quarantine.silver.seen")
    assert len(audited) == BIG
    assert {*good["token"].to_pylist(), *bad["token"].to_pylist()} == audited
    assert good.num_rows + bad.num_rows == BIG
    assert max(good["chance"].to_pylist()) < 0.5
    stamp = lake.history(KEY)[-1].stamp
    assert stamp
    assert stamp.checks[1].failed == sum(chance >= 0.5 for chance in bad["chance"].to_pylist())


@pytest.mark.slow
@pytest.mark.usefixtures("own_home")
def test_frames_of_one_wave_are_audited_at_once_by_the_same_database() -> None:
    """A new database each time, for whatever is made in it once is made while all of them look."""
    rule = RowRule(name="text", expression="regexp_like(CAST(id AS VARCHAR), '^1$')", otherwise="warn")
    frame = pa.table({"id": [1, 2]})

    def audited(lake: Lake, barrier: threading.Barrier) -> int:
        engine = lake.engine("duckdb")
        barrier.wait(30)
        try:
            return engine.audit(frame, (rule,)).failed["text"]
        finally:
            engine.release()

    for _ in range(5):
        lake, barrier = Lake.from_env(), threading.Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _, held=(lake, barrier): audited(*held), range(4))) == [1] * 4


@pytest.mark.slow
def test_a_counter_in_the_frame_counts_each_row_once() -> None:
    """The same on DuckDB, counted in the author's own function and connection."""
    import duckdb

    counted: list[int] = []

    def count(number: int) -> int:
        counted.append(number)
        return number

    def made() -> object:
        connection = duckdb.connect()
        connection.create_function("counted", count, ["BIGINT"], "BIGINT", side_effects=True)  # type: ignore[list-item, arg-type]
        return connection.sql(f"SELECT counted(range) AS id FROM range({BIG})")

    lake = Lake.from_env()
    checks = (rows("id % 10 <> 0", otherwise="quarantine"), unique("id"), row_count(at_least=1))
    assert made_by(lake, asset(KEY, engine="duckdb", checks=checks)(made)).run().is_ok
    assert lake.read_arrow(KEY).num_rows == BIG * 9 // 10
    assert sorted(counted) == list(range(BIG))


def test_promise_4_a_reader_that_polls_never_sees_a_row_that_failed(lake: Lake, engine: EngineName) -> None:
    """Promise 4: DuckDB and delta-rs read every version there is while runs fail, keep rows back and succeed."""
    from deltalake import DeltaTable

    def made(rows: object) -> object:
        return rows

    def declared(ids: list[int], check: object) -> tuple[TableAsset, ...]:
        copy = asset(KEY, inputs={"rows": "bronze.raw"}, engine=engine, checks=[check])(made)  # type: ignore[list-item]
        return (raw(ids), copy)

    keeps, refuses = rows("id > 0", otherwise="quarantine"), rows("id > 0")
    assert made_by(lake, *declared([1, -1], keeps)).run().is_ok
    seen: dict[int, list[int]] = {}
    polls: list[int] = []
    over = threading.Event()

    def poll() -> None:
        reader = Lake.from_env()
        while not over.is_set():
            newest = DeltaTable(reader.location(KEY).uri).version()
            seen[newest] = reader.read_arrow(KEY, newest)["id"].to_pylist()
            polls.append(newest)

    reading = threading.Thread(target=poll)
    reading.start()
    try:
        for number in range(2, 5):
            assert made_by(lake, *declared([number, -number], keeps)).run().is_ok
            assert not made_by(lake, *declared([number + 10, -number], refuses)).run().is_ok
    finally:
        over.set()
        reading.join()
    assert polls
    assert {number for ids in seen.values() for number in ids} <= {1, 2, 3, 4}
    assert [lake.read_arrow(KEY, version)["id"].to_pylist() for version in range(4)] == [[1], [2], [3], [4]]
