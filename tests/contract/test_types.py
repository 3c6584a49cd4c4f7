"""Values of every type that Delta has, written by each engine and read by each reader."""

import math
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

import pyarrow as pa
import pytest

from lakehouse.lake import Lake
from tests.contract.conftest import ENGINES, READERS, Bench, UnsafeReader, lake_at, read_by, reading

pytestmark = pytest.mark.slow

BYTES: list[object] = [0, -128, 127, None]
INF, NAN = math.inf, math.nan
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
COLUMNS: dict[str, tuple[pa.DataType, list[object]]] = {
    "a_byte": (pa.int8(), BYTES),
    "a_short": (pa.int16(), [0, -(2**15), 2**15 - 1, None]),
    "an_int": (pa.int32(), [0, -(2**31), 2**31 - 1, None]),
    "a_long": (pa.int64(), [0, -(2**63), 2**63 - 1, None]),
    "a_float": (pa.float32(), [-0.0, NAN, -INF, None]),
    "a_double": (pa.float64(), [-0.0, NAN, INF, None]),
    "tiny_and_huge": (pa.float64(), [5e-324, 1.7976931348623157e308, -1.7976931348623157e308, None]),
    "a_decimal": (
        pa.decimal128(38, 18),
        [Decimal(f"{sign}{'9' * 20}.{'9' * 18}") for sign in "+-"] + [Decimal("1e-18"), None],
    ),
    "small_decimal": (pa.decimal128(5, 2), [Decimal("0.00"), Decimal("-999.99"), Decimal("999.99"), None]),
    "a_string": (pa.string(), ["", 'it\'s "x"\n\\', "Größe 尺寸 \U0001f338 e\u0301", None]),
    "a_binary": (pa.binary(), [b"", b"\x00\xff", b"text", None]),
    "a_boolean": (pa.bool_(), [True, False, None, None]),
    "a_date": (pa.date32(), [date(1, 1, 1), date(1582, 10, 10), date(9999, 12, 31), None]),
    "a_timestamp": (pa.timestamp("us", "UTC"), [FIRST, datetime(1899, 12, 31, 23, 59, 59, 1, UTC), LAST, None]),
    "a_list": (pa.list_(pa.int64()), [[], [1, None], [None], None]),
    "a_map": (pa.map_(pa.string(), pa.int32()), [[], [("a", 1)], [("b", None)], None]),
    "a_struct": (
        pa.struct({"x": pa.int64(), "Y": pa.string()}),
        [{"x": 1, "Y": "y"}, {"x": None, "Y": None}, {"x": 0, "Y": ""}, None],
    ),
    "nested": (
        pa.list_(pa.struct({"tags": pa.map_(pa.string(), pa.list_(pa.date32())), "is": pa.bool_()})),
        [[{"tags": [("a", [date(2026, 1, 2), None])], "is": True}], [{"tags": None, "is": None}], [None], None],
    ),
}
WITHOUT_ZONE = [FIRST.replace(tzinfo=None), datetime(2026, 3, 29, 2, 30), LAST.replace(tzinfo=None), None]
Written = Callable[[str], Lake]


def table(columns: dict[str, tuple[pa.DataType, list[object]]]) -> pa.Table:
    return pa.table({"id": [1, 2, 3, 4], **{name: pa.array(values, kind) for name, (kind, values) in columns.items()}})


@pytest.fixture(scope="module")
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The lake into which a writer has put all values: two tables, for times without a zone are a feature of their own."""

    @cache
    def write(writer: str) -> Lake:
        lake = lake_at(tmp_path_factory.mktemp("types"), request, on_spark=writer == "spark")
        name = "spark" if writer == "spark" else "duckdb"
        Bench(lake, name, "silver.all").publish(table(COLUMNS), 1)  # type: ignore[arg-type]
        Bench(lake, name, "silver.all").publish(table(COLUMNS), 2, write="append")  # type: ignore[arg-type]
        zoneless = table({"at": (pa.timestamp("us"), WITHOUT_ZONE)})
        Bench(lake, name, "silver.zoneless").publish(zoneless, 1)  # type: ignore[arg-type]
        return lake

    return write


@cache
def rows_of(reader: str, lake: Lake, key: str, version: int) -> pa.Table:
    return read_by(reader, lake, key, version).sort_by("id")


def exactly(value: object) -> object:
    """A value as it is to be compared: a float bit for bit, but that all NaN are one; a map without an order."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, dict):
        return {key: exactly(inner) for key, inner in value.items()}
    return [exactly(inner) for inner in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", ENGINES)
@pytest.mark.parametrize("column", COLUMNS)
def test_values_come_back_as_they_were(
    written: Written, writer: str, reader: str, column: str, request: pytest.FixtureRequest
) -> None:
    kind, values = COLUMNS[column]
    lake = reading(written(writer), reader, request)
    found = rows_of(reader, lake, "silver.all", 0).column(column)
    assert exactly(found.to_pylist()) == exactly(values)
    assert str(found.type).split("<")[0] == str(kind).split("<")[0]
    appended = rows_of(reader, lake, "silver.all", 1).column(column)
    assert exactly(appended.to_pylist()) == exactly([value for value in values for _ in range(2)])


@pytest.mark.parametrize(
    "reader",
    [
        "duckdb",
        pytest.param(
            "delta-rs", marks=pytest.mark.xfail(raises=UnsafeReader, reason="timestampNtz is a reader feature")
        ),
        pytest.param("spark", marks=pytest.mark.spark),
    ],
)
@pytest.mark.parametrize("writer", ENGINES)
def test_times_without_a_zone_stay_without(
    written: Written, writer: str, reader: str, request: pytest.FixtureRequest
) -> None:
    found = rows_of(reader, reading(written(writer), reader, request), "silver.zoneless", 0).column("at")
    assert found.to_pylist() == WITHOUT_ZONE
    assert found.type == pa.timestamp("us")


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("200::UTINYINT", (pa.int16(), 200)),
        ("60000::USMALLINT", (pa.int32(), 60000)),
        ("4000000000::UINTEGER", (pa.int64(), 4_000_000_000)),
        ("18446744073709551615::UBIGINT", (pa.decimal128(20, 0), Decimal(2**64 - 1))),
        ("sum(1)", (pa.decimal128(38, 0), Decimal(1))),
        ("TIMESTAMP_NS '2026-01-02 03:04:05'", (pa.timestamp("us"), datetime(2026, 1, 2, 3, 4, 5))),
        ("TIMESTAMP_S '2026-01-02 03:04:05'", (pa.timestamp("us"), datetime(2026, 1, 2, 3, 4, 5))),
        ("'a'::ENUM('a', 'b')", (pa.string(), "a")),
        ("[1::UTINYINT, NULL]", (pa.list_(pa.int16()), [1, None])),
        (
            "{'at': TIMESTAMP_S '2026-01-02 03:04:05'}",
            (pa.struct({"at": pa.timestamp("us")}), {"at": datetime(2026, 1, 2, 3, 4, 5)}),
        ),
        ("'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID", (pa.string(), "6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
    ],
)
def test_types_of_duckdb_alone_become_types_that_hold_the_same(
    own_home: object, sql: str, found: tuple[pa.DataType, object]
) -> None:
    bench = Bench(Lake.from_env(), "duckdb")
    bench.publish(lambda engine: engine.from_arrow(pa.table({"id": [1]})).aggregate(f"{sql} AS x"), 1)  # type: ignore[attr-defined]
    column = bench.lake.read_arrow(bench.key).column("x")
    assert column.to_pylist() == [found[1]]
    assert str(column.type).replace("l: ", "element: ").replace("item", "element") == str(found[0]).replace(
        "item", "element"
    )
