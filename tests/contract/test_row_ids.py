"""A row that is kept back has an id of its own: values that differ, however little, never share one."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.audit import ROW_ID, RowRule
from lakehouse.engine import Engine
from lakehouse.lake import Lake

pytestmark = pytest.mark.slow

MOMENT = datetime(2020, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
KINDS: Mapping[str, pa.Array] = {
    "moments": pa.array([MOMENT, MOMENT + TICK, MOMENT + 1000 * TICK, None], pa.timestamp("us", "UTC")),
    "local times": pa.array([datetime(2020, 1, 1), datetime(2020, 1, 1, microsecond=1)], pa.timestamp("us")),
    "times in lists": pa.array([[MOMENT], [MOMENT + TICK], [], None], pa.list_(pa.timestamp("us", "UTC"))),
    "times in structs": pa.array([{"a": MOMENT}, {"a": MOMENT + TICK}, {"a": None}, None]),
    "doubles": pa.array([0.1 + 0.2, 0.3, 0.0, -0.0, float("nan"), float("inf"), 5e-324, None]),
    "decimals": pa.array([Decimal("1.000000000000000001"), Decimal("1.000000000000000002")], pa.decimal128(38, 18)),
    "bytes": pa.array([b"\x00", b"\x00\x00", b"\xff", b"\\x00", b"", None]),
    "words": pa.array(["", "NULL", "null", '"', "'", "\\", "a, b", "00:00.123000Z", "00:00.123Z", None]),
    "maps by bytes": pa.array([[(b"\x00", 1)], [(b"\x01", 1)], None], pa.map_(pa.binary(), pa.int64())),
    "maps by pairs": pa.array(
        [[({"a": "a,b", "b": "c"}, 1)], [({"a": "a", "b": "b,c"}, 1)]],
        pa.map_(pa.struct({"a": pa.string(), "b": pa.string()}), pa.int64()),
    ),
    "maps": pa.array([[("a", "b")], [("a", None)], [], None], pa.map_(pa.string(), pa.string())),
}


def row_ids(engine: Engine, values: pa.Array) -> list[str]:
    """The id of each row where all are kept back, sorted."""
    rule = RowRule(name="never", expression="1 > 2", otherwise="quarantine")
    audit = engine.audit(engine.from_arrow(pa.table({"value": values})), (rule,))
    return sorted(engine.arrow(audit.rejected)[ROW_ID].to_pylist())


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_differ_have_different_ids_and_have_them_again(engine: Engine, kind: str) -> None:
    values = KINDS[kind]
    found = row_ids(engine, values)
    assert len({each.rpartition("-")[0] for each in found}) == len(values)
    assert row_ids(engine, values) == found


def test_equal_rows_have_one_id_and_are_numbered(engine: Engine) -> None:
    found = row_ids(engine, pa.array([MOMENT, MOMENT, MOMENT], pa.timestamp("us", "UTC")))
    assert [each.rpartition("-")[2] for each in found] == ["1", "2", "3"]
    assert len({each.rpartition("-")[0] for each in found}) == 1


@pytest.mark.spark
def test_a_row_whose_times_are_of_whole_milliseconds_keeps_the_id_that_spark_always_gave(
    on_spark: str, own_home: Path
) -> None:
    engine = Lake.from_env().engine("spark")
    text = b'{"value":"2020-01-01T00:00:00.001Z"}'
    (found,) = row_ids(engine, pa.array([MOMENT + 1000 * TICK], pa.timestamp("us", "UTC")))
    assert found == f"{sha256(text).hexdigest()[:16]}-1"
