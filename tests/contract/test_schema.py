"""What columns a frame may bring to a table that is added to: the same answer from both engines, and never half a write."""

from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pytest

from lakehouse.errors import PlatformError, SchemaRefused
from lakehouse.merge import Merge
from lakehouse.schema import fit, joint, worded
from tests.contract.conftest import Bench

pytestmark = pytest.mark.slow

FIRST = pa.table({"id": pa.array([1], pa.int32()), "x": ["a"], "at": pa.array([1.5], pa.float64())})
BY_ID = Merge(on=("id",))

Rows = Callable[[], pa.Table]


def second(**columns: object) -> pa.Table:
    """The rows that come second, of the table's own columns but for what is given; None leaves a column out."""
    own = {"id": pa.array([2], pa.int32()), "x": ["b"], "at": [2.5]}
    return pa.table({name: column for name, column in {**own, **columns}.items() if column is not None})


TAKEN = {
    "the same columns": (second(), {"id": 2, "x": "b", "at": 2.5}),
    "in another order": (second().select(["at", "x", "id"]), {"id": 2, "x": "b", "at": 2.5}),
    "of narrower types": (
        second(id=pa.array([2], pa.int16()), at=pa.array([2.5], pa.float32())),
        {"id": 2, "x": "b", "at": 2.5},
    ),
}
GROWING = {
    "a new column": (second(n=[7]), {"id": 2, "x": "b", "at": 2.5, "n": 7}),
    "a missing column": (second(x=None), {"id": 2, "x": None, "at": 2.5}),
    "one new, one missing": (second(x=None, n=[Decimal("1.5")]), {"id": 2, "x": None, "at": 2.5, "n": Decimal("1.5")}),
    "a new nested column": (second(n=[[{"a": 1}]]), {"id": 2, "x": "b", "at": 2.5, "n": [{"a": 1}]}),
}
NEVER = {
    "a wider type": (second(id=[2]), "column 'id' is long, wanted integer"),
    "another type": (second(x=[3]), "column 'x' is long, wanted string"),
    "a time for a number": (second(at=pa.array([1], pa.timestamp("us", "UTC"))), "'at' is timestamp, wanted double"),
    "another case": (second(x=None, X=["b"]), "column 'X' is spelled 'x' in the table"),
}
FIXED = {
    "a new column": (
        second(n=[7]),
        r"column 'n' \(long\) is new; leave it out, or let the table grow: schema='evolve'",
    ),
    "a missing column": (second(x=None), r"column 'x' \(string\) is missing; bring it, or leave it NULL"),
}


@pytest.mark.parametrize("write", ["append", BY_ID], ids=["append", "merge"])
def test_what_fits_is_taken_and_keeps_the_columns_of_the_table(bench: Bench, write: object) -> None:
    bench.publish(FIRST, 1, write=write)
    for sequence, (rows, _) in enumerate(TAKEN.values(), 2):
        bench.publish(rows, sequence, write=write)
    told = [row for _, row in TAKEN.values()]
    assert bench.rows() == [{"id": 1, "x": "a", "at": 1.5}, *(told if write == "append" else told[-1:])]
    assert bench.lake.read_arrow(bench.key).column_names == ["id", "x", "at"]


@pytest.mark.parametrize("write", ["append", BY_ID], ids=["append", "merge"])
def test_what_does_not_fit_is_refused_with_its_name_and_nothing_is_written(bench: Bench, write: object) -> None:
    bench.publish(FIRST, 1, write=write)
    for evolve, refused in ((False, FIXED), (False, NEVER), (True, NEVER)):
        for rows, told in refused.values():
            with pytest.raises(SchemaRefused, match=told):
                bench.publish(rows, 2, write=write, evolve=evolve)
    assert bench.commits == 1
    assert bench.rows() == [{"id": 1, "x": "a", "at": 1.5}]


@pytest.mark.long_on_spark
@pytest.mark.parametrize("write", ["append", BY_ID], ids=["append", "merge"])
@pytest.mark.parametrize("case", GROWING)
def test_a_table_that_may_grow_takes_new_columns_and_leaves_missing_ones_null(
    bench: Bench, write: object, case: str
) -> None:
    rows, told = GROWING[case]
    bench.publish(FIRST, 1, write=write, evolve=True)
    bench.publish(rows, 2, write=write, evolve=True)
    first = {"id": 1, "x": "a", "at": 1.5, **({"n": None} if "n" in told else {})}
    assert bench.rows() == [first, told]
    assert bench.rows(0) == [{"id": 1, "x": "a", "at": 1.5}]


def test_a_merge_leaves_a_column_that_is_missing_as_it_was(bench: Bench) -> None:
    bench.publish(FIRST, 1, write=BY_ID)
    bench.publish(pa.table({"id": pa.array([1], pa.int32()), "at": [9.5]}), 2, write=BY_ID, evolve=True)
    assert bench.rows() == [{"id": 1, "x": "a", "at": 9.5}]


WIDENED = {
    "whole numbers": (pa.int32(), -2, pa.int64(), -3_000_000_000),
    "floats": (pa.float32(), -0.5, pa.float64(), -0.1),
    "decimals": (pa.decimal128(4, 2), Decimal("12.34"), pa.decimal128(6, 1), Decimal("12345.6")),
}


@pytest.mark.long_on_spark
@pytest.mark.parametrize("case", WIDENED)
def test_rows_that_take_the_place_of_some_widen_the_table_or_are_widened_to_it(bench: Bench, case: str) -> None:
    """All the rest stays, and no value is another than it was."""
    narrow, small, wide, large = WIDENED[case]

    def put(sequence: int, id: int, kind: pa.DataType, value: object, **others: object) -> None:
        rows = pa.table({"id": [id], "x": pa.array([value], kind), **{name: [v] for name, v in others.items()}})
        bench.publish(rows, sequence, replace_where=f"id = {id}", evolve=True)

    put(1, 1, narrow, small)
    put(2, 2, narrow, small)
    put(3, 2, wide, large, new="n")
    put(4, 3, narrow, small)
    found = [(row["id"], row["x"], row["new"]) for row in bench.rows()]
    assert found == [(1, small, None), (2, large, "n"), (3, small, None)]
    with pytest.raises(SchemaRefused, match="column 'x' is string, and rows that are there hold"):
        put(5, 4, pa.string(), "x")


def test_a_type_that_delta_does_not_know_is_refused(bench: Bench) -> None:
    def frame(engine: object) -> object:
        made = engine.from_arrow(pa.table({"id": [1]}))  # type: ignore[attr-defined]
        if bench.name == "spark":
            return made.selectExpr("id", "INTERVAL '1' DAY AS wrong", "NULL AS nothing")
        return made.project("id, TIME '10:00' AS wrong, INTERVAL 1 DAY AS nothing")

    with pytest.raises(SchemaRefused, match="column 'wrong' is .* a type that Delta does not know.*column 'nothing'"):
        bench.publish(frame, 1)
    assert bench.commits == 0


def test_a_frame_that_cannot_be_computed_writes_nothing(bench: Bench) -> None:
    bench.publish(pa.table({"id": ["1"]}), 1)

    def frame(engine: object) -> object:
        made = engine.from_arrow(pa.table({"id": ["2", "no number"]}))  # type: ignore[attr-defined]
        sql = "CAST(CAST(id AS INT) AS STRING) AS id"
        return made.selectExpr(sql) if bench.name == "spark" else made.project(sql)

    for sequence, write in enumerate(("replace", "append", BY_ID), 2):
        with pytest.raises(PlatformError, match="no number"):
            bench.publish(frame, sequence, write=write)
    assert (bench.commits, bench.rows()) == (1, [{"id": "1"}])


def test_decimals_widen_where_no_digit_is_lost() -> None:
    for found, wanted, is_fit in (
        ("decimal(5,2)", "decimal(7,3)", True),
        ("decimal(5,2)", "decimal(5,3)", False),
        ("decimal(5,2)", "decimal(9,1)", False),
    ):
        if is_fit:
            assert fit("t", {"x": wanted}, {"x": found}, evolve=False).columns == {"x": wanted}
        else:
            with pytest.raises(SchemaRefused):
                fit("t", {"x": wanted}, {"x": found}, evolve=True)


def test_what_no_decimal_holds_is_refused() -> None:
    assert joint("t", {"x": "decimal(4,2)"}, {"x": "decimal(6,1)"}) == {"x": "decimal(7,2)"}
    with pytest.raises(SchemaRefused, match="which no column holds both"):
        joint("t", {"x": "decimal(38,2)"}, {"x": "decimal(38,3)"})


def test_types_are_told_as_a_person_writes_them() -> None:
    inner = {"type": "map", "keyType": "string", "valueType": "decimal(3,1)", "valueContainsNull": True}
    kind = {"type": "struct", "fields": [{"name": "a", "type": inner, "nullable": True, "metadata": {}}]}
    assert worded({"type": "array", "elementType": kind, "containsNull": True}) == (
        "array<struct<a: map<string, decimal(3,1)>>>"
    )
