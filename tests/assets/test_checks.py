"""Checks as an author declares them: what each finds, what is refused where it is declared, and what the stamp tells."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from assets import CheckOutcome, asset, custom, external, fresh, matches, references, row_count, rows, unique
from assets.asset import Asset, TableAsset
from assets.errors import BadOption, ChecksFailed, CheckUnusable, FunctionFailed
from assets.graph import Graph
from assets.materialize import Done, Materializer
from lakehouse.audit import RowRule, UniqueRule
from lakehouse.engine import EngineName
from lakehouse.lake import Lake
from lakehouse.stamp import CheckResult
from registry.models import Models
from tests.assets.authored import flowers_landing, ids, made_by, put

ENGINES = [pytest.param("duckdb", marks=pytest.mark.slow), pytest.param("spark", marks=pytest.mark.spark)]
KEY = "silver.clean"


def raw(table: pa.Table, key: str = "bronze.raw") -> TableAsset:
    """Written by DuckDB, read by both."""

    def made() -> pa.Table:
        return table

    return asset(key, engine="duckdb", code=str(table.to_pylist()))(made)


def clean(*checks: object, engine: EngineName = "duckdb", also: tuple[str, ...] = (), **options: object) -> TableAsset:
    def made(rows: object) -> object:
        return rows

    def made_beside(rows: object, other: object) -> object:
        return rows

    inputs = dict(zip(("rows", "other"), ("bronze.raw", *also), strict=False))
    declare = asset(KEY, inputs=inputs, checks=checks, engine=engine, **options)  # type: ignore[arg-type]
    return declare(made_beside if also else made)


def results(lake: Lake, key: str = KEY) -> dict[str, tuple[int, int]]:
    stamp = lake.history(key)[-1].stamp
    assert stamp
    return {check.name: (check.failed, check.total) for check in stamp.checks}


def failure(done: Done, key: str = KEY) -> BaseException:
    error = next(outcome.error for outcome in done.outcomes if outcome.key == key)
    assert error
    return error


def at(lake: Lake, clock: datetime, *declared: Asset) -> Materializer:
    return Materializer(lake, Models.from_env(lake), Graph.of(declared), clock=lambda: clock)


NAMES = pa.table(
    {
        "the id": pa.array([1, 2, 2, None, None], pa.int64()),
        "größe": [1.0, -1.0, 2.0, None, 3.0],
        'the "name"': ["a", "it's", "b\\d", None, "e"],
    }
)


@pytest.mark.parametrize("engine", ENGINES)
def test_columns_may_have_any_name_and_nulls_are_equal_to_nulls(lake: Lake, engine: EngineName) -> None:
    rules = (
        UniqueRule(name="ids", columns=("the id",), otherwise="warn"),
        UniqueRule(name="names", columns=('the "name"',), otherwise="fail"),
        RowRule(name="filled", expression="{0} IS NOT NULL", columns=("größe",), otherwise="quarantine"),
    )
    used = lake.engine(engine)
    audit = used.audit(used.from_arrow(NAMES), rules)
    assert (audit.total, dict(audit.failed)) == (5, {"ids": 4, "names": 0, "filled": 1})
    assert used.arrow(audit.rejected)["failed_checks"].to_pylist() == ["ids; filled"]
    assert used.arrow(audit.passed).num_rows == 4
    used.release()


@pytest.mark.slow
def test_a_column_of_an_arrow_schema_that_holds_no_null_has_its_rows_kept_back(lake: Lake) -> None:
    kinds = pa.schema([pa.field("größe", pa.float64(), nullable=False)])
    assert made_by(lake, raw(NAMES), clean(matches(kinds, otherwise="quarantine"))).run().is_ok
    assert results(lake) == {"matches(größe double)": (0, 1), "größe is not null": (1, 5)}
    assert lake.read_arrow("quarantine.silver.clean")["failed_checks"].to_pylist() == ["größe is not null"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_key_of_several_columns_refers_together_and_a_null_refers_to_nothing(lake: Lake, engine: EngineName) -> None:
    orders = pa.table({"id": [1, 2, 3, 4], "land": ["fi", "fi", "se", None], "town": ["Turku", "Lund", "Lund", "Oslo"]})
    towns = pa.table({"code": ["fi", "se", None], "name": ["Turku", "Lund", "Lund"]})
    check = references(("land", "town"), "bronze.towns", ("code", "name"), otherwise="quarantine")
    declared = (raw(orders), raw(towns, "bronze.towns"))
    assert made_by(lake, *declared, clean(check, engine=engine, also=("bronze.towns",))).run().is_ok
    assert ids(lake, KEY) == [1, 3, 4]
    assert results(lake) == {"references((land, town), bronze.towns.(code, name))": (1, 4)}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_function_may_return_the_rows_that_fail_or_some_of_their_columns(lake: Lake, engine: EngineName) -> None:
    @custom("no id above 2", otherwise="quarantine")
    def too_high(frame: object) -> object:
        return frame.filter("id > 2").select("id")  # type: ignore[attr-defined]

    few = custom("few", lambda frame: CheckOutcome(passed=False, measured="4 ids"), otherwise="warn")
    fine = custom("fine", lambda frame: True)
    declared = raw(pa.table({"id": [1, 2, 3, 4], "x": ["a", None, None, "d"]}))
    assert (
        made_by(lake, declared, clean(too_high, few, fine, rows("id <> 4", otherwise="quarantine"), engine=engine))
        .run()
        .is_ok
    )
    assert ids(lake, KEY) == [1, 2]
    assert results(lake) == {"no id above 2": (2, 4), "few": (1, 1), "fine": (0, 1), "id <> 4": (1, 4)}
    kept = lake.read_arrow("quarantine.silver.clean").sort_by("id")["failed_checks"].to_pylist()
    assert kept == ["no id above 2", "no id above 2; id <> 4"]
    stamp = lake.history(KEY)[-1].stamp
    assert stamp
    assert CheckResult(name="few", otherwise="warn", failed=1, total=1, measured="4 ids") in stamp.checks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("found", "kind", "told"),
    [
        (lambda frame: 1 / 0, FunctionFailed, "in the check 'odd': ZeroDivisionError"),
        (
            lambda frame: "yes",
            CheckUnusable,
            "'odd' of silver.clean cannot be asked: its function returned str; wanted rows or a bool",
        ),
        (
            lambda frame: pa.table({"more": [1]}),
            CheckUnusable,
            "returned rows of 'more'; wanted columns of the frame (id)",
        ),
        (lambda frame: False, ChecksFailed, "'odd' does not hold"),
    ],
)
def test_a_function_that_fails_or_answers_otherwise_is_told_with_its_check(
    lake: Lake, found: Callable[[object], object], kind: type[Exception], told: str
) -> None:
    done = made_by(lake, raw(pa.table({"id": [1]})), clean(custom("odd", found))).run()
    error = failure(done)
    assert isinstance(error, kind)
    assert told in str(error)
    assert not lake.history(KEY)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("check", "told"),
    [
        (rows("nothing > 0"), "nothing"),
        (rows("id >"), "yntax error"),
        (unique("nothing"), "nothing"),
        (references("id", "bronze.raw", "nothing"), "nothing"),
    ],
)
def test_a_check_of_a_column_that_is_not_there_names_it_and_publishes_nothing(
    lake: Lake, check: object, told: str, engine: EngineName
) -> None:
    error = failure(made_by(lake, raw(pa.table({"id": [1]})), clean(check, engine=engine)).run())
    assert isinstance(error, CheckUnusable)
    assert re.match(
        rf"tests/assets/test_checks.py:\d+: the check {re.escape(repr(check.name))} of silver.clean", str(error)
    )  # type: ignore[attr-defined]
    assert told in str(error)
    assert not lake.history(KEY)


@pytest.mark.slow
def test_a_count_is_judged_against_the_version_before_without_reading_it(lake: Lake) -> None:
    check = row_count(at_least=1, shrinks_by_at_most=0.5, grows_by_at_most=1)
    for number in (4, 2):
        assert made_by(lake, raw(pa.table({"id": list(range(number))})), clean(check)).run().is_ok
    stamp = lake.history(KEY)[-1].stamp
    assert stamp
    assert [c.measured for c in stamp.checks] == ["2 rows, 4 before"]
    for number, told in ((0, "0 rows, wanted at least 1"), (5, "5 rows, 150% more than the 2 before")):
        error = failure(made_by(lake, raw(pa.table({"id": pa.array(range(number), pa.int64())})), clean(check)).run())
        assert isinstance(error, ChecksFailed)
        assert told in str(error)
    assert len(lake.history(KEY)) == 2


@pytest.mark.slow
def test_a_count_of_an_append_is_that_of_the_table_and_may_warn(lake: Lake) -> None:
    check = row_count(at_most=3, otherwise="warn")
    for number in (2, 2):
        done = made_by(lake, raw(pa.table({"id": [number] * 2})), clean(check, write="append")).run(force=True)
    assert done.is_ok
    assert results(lake) == {"row_count(at_most=3)": (1, 1)}
    assert done.outcomes[-1].notes == (
        "row_count(at_most=3) does not hold, it is 4 rows, 2 before: published all the same",
    )


@pytest.mark.slow
def test_a_table_whose_log_tells_no_number_of_rows_is_counted(lake: Lake) -> None:
    """A writer need not put statistics into the log."""
    checks = (row_count(at_most=4), row_count(grows_by_at_most=0.1, otherwise="warn"))
    made_by(lake, raw(pa.table({"id": [1, 2, 3]})), clean(write="append")).run()
    log = Path(lake.location(KEY).uri) / "_delta_log" / f"{0:020}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        line.get("add", {}).pop("stats", None)
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert lake.history(KEY)[-1].rows is None
    more = clean(*checks, write="append")
    error = failure(made_by(lake, raw(pa.table({"id": [4, 5]})), more).run())
    assert "5 rows, wanted at most 4" in str(error)
    done = made_by(lake, raw(pa.table({"id": [4]})), more).run()
    assert "it is 4 rows, 3 before" in done.outcomes[1].notes[0]


@pytest.mark.slow
def test_an_input_that_is_too_old_stops_the_asset_before_it_is_computed(lake: Lake) -> None:
    def never(rows: object) -> object:
        raise AssertionError("computed")

    now = datetime.now(UTC)
    made_by(lake, raw(pa.table({"id": [1]}))).run()
    late = asset(KEY, inputs={"rows": "bronze.raw"}, checks=[fresh("bronze.raw", within="24h")], engine="duckdb")(never)
    error = failure(at(lake, now + timedelta(hours=49), raw(pa.table({"id": [1]})), late).run(KEY))
    assert isinstance(error, ChecksFailed)
    assert str(error).startswith("nothing was published of silver.clean: bronze.raw is 2.04")
    warned = clean(fresh("bronze.raw", within="24h", otherwise="warn"))
    assert at(lake, now + timedelta(hours=49), raw(pa.table({"id": [1]})), warned).run(KEY).is_ok
    assert results(lake) == {"fresh(bronze.raw, within=24h)": (1, 1)}


@pytest.mark.slow
def test_landed_files_are_as_fresh_as_the_newest(lake: Lake) -> None:
    put(lake, "a.csv", "id,name\n1,a\n")
    flowers = asset(
        "bronze.flowers_raw",
        inputs={"rows": "landing.flowers"},
        engine="duckdb",
        checks=[fresh("landing.flowers", within="7d")],
    )(lambda rows: rows)
    done = made_by(lake, flowers_landing(), flowers).run()
    assert "old, wanted 7d at most" in str(failure(done, "bronze.flowers_raw"))
    soon = datetime.fromtimestamp(1_700_000_000, UTC) + timedelta(days=6)
    assert at(lake, soon, flowers_landing(), flowers).run().is_ok
    stamp = lake.history("bronze.flowers_raw")[-1].stamp
    assert stamp
    assert stamp.checks[0].measured == "6d old"


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: clean(rows("id > 0"), rows("id > 0")), "a check of 'silver.clean' is 'id > 0' twice"),
        (lambda: clean(rows(" ")), "without an expression"),
        (lambda: clean(unique()), "the check 'unique()' of 'silver.clean' is ()"),
        (lambda: clean(references(("a", "b"), "bronze.raw", "c")), "2 columns to 1"),
        (lambda: clean(row_count(at_least=1, otherwise="quarantine")), "'warn' or 'fail', for no rows of its own"),
        (lambda: clean(fresh("bronze.raw", within="1d", otherwise="quarantine")), "'warn' or 'fail'"),
        (lambda: clean(matches({"id": "int"}, otherwise="quarantine")), "'warn' or 'fail'"),
        (lambda: clean(row_count()), "without a bound"),
        (lambda: clean(row_count(at_least=-1)), "a bound that is not negative"),
        (lambda: clean(fresh("bronze.raw", within="soon")), "is 'soon'; wanted a number and a unit"),
        (lambda: clean("id > 0"), "wanted one of rows(...), unique(...), references(...), matches(...)"),
        (lambda: clean(matches(7)), "a mapping of columns to SQL types, an Arrow schema, or a Pandera model"),  # type: ignore[call-overload]
        (lambda: clean(matches(pa.schema([("d", pa.duration("s"))]))), "column 'd' in matches(...) is 'duration[s]'"),
        (
            lambda: Graph.of((raw(pa.table({"id": [1]})), clean(fresh("bronze.other", within="1d")))),
            "fresh(bronze.other, within=24h) of 'silver.clean' is 'bronze.other'; wanted one of the tables and files",
        ),
    ],
)
def test_what_could_never_hold_is_refused_where_it_is_declared(declare: Callable[[], object], told: str) -> None:
    with pytest.raises(BadOption) as caught:
        declare()
    assert str(caught.value).startswith("tests/assets/test_checks.py:")
    assert told in str(caught.value)


@pytest.mark.slow
def test_an_arrow_schema_says_which_types_a_frame_has_also_inside_of_lists(lake: Lake) -> None:
    nested = pa.struct([("a b", pa.int32()), ("more", pa.list_(pa.string()))])
    table = pa.table({"id": pa.array([1], pa.int64()), "n": pa.array([{"a b": 1, "more": ["x"]}], nested)})
    kinds = table.schema.append(pa.field("at", pa.timestamp("us", "UTC")))
    assert made_by(lake, raw(table), clean(matches(table.schema))).run().is_ok
    assert failure(made_by(lake, raw(table), clean(matches(kinds))).run()).args[1] == (
        "column 'at' is missing, wanted timestamp",
    )


@pytest.mark.slow
def test_nobody_pays_for_pandera_who_does_not_use_it() -> None:
    told = "import sys, assets.materialize; assert not {'pandera', 'pandas', 'pyarrow', 'duckdb'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", told], check=True)


@pytest.mark.slow
def test_a_foreign_table_may_be_judged_by_its_age(lake: Lake) -> None:
    lake.append("outside.orders", pa.table({"id": [1]}), metadata="by hand")
    orders = external("foreign.orders", table=lake.location("outside.orders").uri)
    told = asset(
        KEY, inputs={"orders": "foreign.orders"}, engine="duckdb", checks=[fresh("foreign.orders", within="1h")]
    )
    assert made_by(lake, orders, told(lambda orders: orders)).run().is_ok
    assert results(lake) == {"fresh(foreign.orders, within=1h)": (0, 1)}
