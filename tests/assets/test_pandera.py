"""Pandera models as checks: the same rows fail in our engines as in Pandera itself; what has no translation is refused."""

import pyarrow as pa
import pytest

from assets import asset, matches
from assets.asset import TableAsset
from assets.check import Rows, Unique
from assets.errors import BadOption, ChecksFailed
from assets.matching import Matches
from lakehouse.engine import EngineName
from lakehouse.lake import Lake
from tests.assets.authored import made_by

ENGINES = [pytest.param("duckdb", marks=pytest.mark.slow), pytest.param("spark", marks=pytest.mark.spark)]


GOOD = {"id": 1, "amount": 1.0, "share": 0.5, "land": "fi", "code": "ab1", "note": "a{.}'", "level": 3}
BAD: dict[str, list[object]] = {
    "id": [0, 1000],
    "amount": [0.0, 99.6, None],
    "share": [-0.1, 1.0],
    "land": ["se", ""],
    "code": ["ab", "AB1", "ab12\\x", "xab1", "ab1234", None],
    "note": ["a{", "{.}'", "a{}'", "a{.x}'"],
    "level": [4],
}
FINE: dict[str, list[object]] = {
    "share": [None, 0.0],
    "land": ["it's", "b\\d", None],
    "code": ["ab12", "ab1\\"],
    "note": [None, "a{.y}'"],
}


def table() -> pa.Table:
    """A good row, and for each value one that differs in it alone."""
    others = [{**GOOD, column: value} for column, values in (*FINE.items(), *BAD.items()) for value in values]
    rows = [GOOD, *({"id": 10 + number, **row} if row["id"] == 1 else row for number, row in enumerate(others))]
    rows = [{**row, "id": 10 + n if row["id"] == 1 else row["id"]} for n, row in enumerate(rows)]
    kinds = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds[type(value)]) for name, value in GOOD.items()]))


def from_table(rows: pa.Table, check: object, engine: EngineName = "duckdb") -> tuple[TableAsset, ...]:
    """A table that DuckDB writes, and a checked copy of it by an engine."""

    def made() -> pa.Table:
        return rows

    def copied(raw: object) -> object:
        return raw

    declare = asset("silver.orders", inputs={"raw": "bronze.raw"}, engine=engine, checks=[check])  # type: ignore[list-item]
    return (asset("bronze.raw", engine="duckdb", code="1")(made), declare(copied))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_rows_that_fail_in_pandera_fail_in_the_engines(lake: Lake, engine: EngineName) -> None:
    import pandera.pandas as pan

    from tests.assets.pandera_models import Orders

    rows = table()
    assert made_by(lake, *from_table(rows, matches(Orders, otherwise="quarantine"), engine)).run().is_ok
    with pytest.raises(pan.errors.SchemaErrors) as caught:
        Orders.to_schema().validate(rows.to_pandas(), lazy=True)
    failed = set(rows.take(sorted({int(i) for i in caught.value.failure_cases["index"].dropna()}))["id"].to_pylist())
    assert len(failed) == sum(map(len, BAD.values()))
    assert set(lake.read_arrow("quarantine.silver.orders")["id"].to_pylist()) == failed
    assert set(lake.read_arrow("silver.orders")["id"].to_pylist()) == set(rows["id"].to_pylist()) - failed


@pytest.mark.slow
def test_a_model_is_translated_into_columns_and_named_checks() -> None:
    from tests.assets.pandera_models import Small

    assert matches(Small, otherwise="warn") == (
        Matches(columns={"a": "bigint", "at": "timestamp | timestamp_ntz"}, only=True, otherwise="warn"),
        Rows(expression="NOT {0} IS NULL", columns=("a",), label="a is not null", otherwise="warn"),
        Rows(
            expression="{0} IS NULL OR ({0} >= 1)",
            columns=("a",),
            label="a greater_than_or_equal_to(min_value=1)",
            otherwise="warn",
        ),
        Rows(
            expression="{0} IS NULL OR ({0} <= TIMESTAMP '2024-01-01 00:00:00')",
            columns=("at",),
            label="at less_than_or_equal_to(max_value=datetime.datetime(2024, 1, 1, 0, 0))",
            otherwise="warn",
        ),
        Unique(columns=("a", "at"), otherwise="warn"),
    )


@pytest.mark.slow
def test_a_check_that_only_warns_in_pandera_only_warns() -> None:
    from tests.assets.pandera_models import SOFT

    assert [check.otherwise for check in matches(SOFT)] == ["fail", "warn"]
    assert matches(SOFT)[1].name == "a isin(allowed_values=[datetime.date(2024, 1, 1)])"


@pytest.mark.slow
def test_wrong_columns_fail_for_they_have_no_rows_to_keep_back(lake: Lake) -> None:
    from tests.assets.pandera_models import STRICT

    rows = table().drop_columns(["level"]).append_column("more", table()["id"])
    done = made_by(lake, *from_table(rows, matches(STRICT, otherwise="quarantine"))).run()
    error = done.outcomes[1].error
    assert isinstance(error, ChecksFailed)
    assert error.failures == (
        "column 'level' is missing, wanted bigint",
        "column 'more' is not among those wanted",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "told"),
    {
        "mine": "is 'mine'",
        "unnamed": "is '<lambda>'",
        "coerced": "coerce of column 'a' of the Pandera schema",
        "all coerced": "coerce of the Pandera schema",
        "optional": "required of column 'a'",
        "pattern": "regex of column 'a'",
        "time": "is 'timedelta64[ns]'",
        "index": "index of the Pandera schema",
        "filter": "strict of the Pandera schema",
        "ordered": "ordered of the Pandera schema",
        "whole": "is 'whole'; wanted checks of columns",
        "objects": "is 'isin'",
        "values": "is 'unique_values_eq'",
    }.items(),
)
def test_what_has_no_translation_is_refused_by_its_name_where_it_is_declared(name: str, told: str) -> None:
    from tests.assets.pandera_models import REFUSED

    with pytest.raises(BadOption) as caught:
        matches(REFUSED[name])
    assert str(caught.value).startswith("tests/assets/test_pandera.py:")
    assert told in str(caught.value)
