"""A merge: matched rows are updated, others inserted, some deleted; once, and the same on both engines."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.errors import ComputeFailed, KeysRefused, SchemaRefused
from lakehouse.merge import Merge
from tests.contract.conftest import Bench

FEED = Merge(on=("id",), delete="op = 'D'", drop=("op",))


def feed(*changes: tuple[int | None, str, str]) -> pa.Table:
    """Rows as a database tells of its changes: id, value, operation."""
    ids, values, operations = zip(*changes, strict=True) if changes else ((), (), ())
    return pa.table(
        {"id": pa.array(ids, pa.int64()), "x": pa.array(values, pa.string()), "op": pa.array(operations, pa.string())}
    )


def told(bench: Bench, version: int | None = None) -> dict[object, object]:
    return {row["id"]: row["x"] for row in bench.rows(version)}


def test_rows_are_updated_inserted_and_deleted_by_key(bench: Bench) -> None:
    bench.publish(feed((1, "a", "I"), (2, "b", "I"), (3, "c", "D")), 1, write=FEED)
    assert told(bench) == {1: "a", 2: "b"}
    bench.publish(feed((1, "-", "D"), (2, "B", "U"), (4, "d", "I"), (5, "-", "D")), 2, write=FEED)
    assert bench.rows() == [{"id": 2, "x": "B"}, {"id": 4, "x": "d"}]
    assert told(bench, 0) == {1: "a", 2: "b"}
    assert [(c.rows, c.effective, c.stamp and c.stamp.sequence) for c in bench.lake.history(bench.key)] == [
        (2, 0, 1),
        (2, 1, 2),
    ]


@pytest.mark.parametrize("rows", [feed(), feed((7, "-", "D"))], ids=["no rows", "a deletion of nothing"])
def test_a_merge_that_changes_nothing_leaves_its_stamp_and_makes_nothing_stale(bench: Bench, rows: pa.Table) -> None:
    bench.publish(feed((1, "a", "I")), 1, write=FEED)
    bench.publish(rows, 2, write=FEED)
    newest = bench.lake.history(bench.key)[-1]
    assert (newest.version, newest.effective, newest.stamp and newest.stamp.sequence) == (1, 0, 2)
    bench.publish(rows, 2, "again", write=FEED)
    assert (bench.commits, told(bench)) == (2, {1: "a"})


@pytest.mark.slow
def test_a_sequence_is_merged_once(bench: Bench) -> None:
    for run, value in (("first", "a"), ("second", "z")):
        bench.publish(feed((1, value, "I")), 1, run, write=FEED)
    for run, value in (("first", "b"), ("second", "z")):
        bench.publish(feed((1, value, "U")), 2, run, write=FEED)
    assert [c.stamp and c.stamp.run for c in bench.lake.history(bench.key)] == ["first", "first"]
    assert told(bench) == {1: "b"}


@pytest.mark.slow
@pytest.mark.parametrize("is_first", [True, False])
def test_keys_that_match_nothing_or_too_much_are_refused_before_anything_is_written(
    bench: Bench, is_first: bool
) -> None:
    if not is_first:
        bench.publish(feed((1, "a", "I")), 1, write=FEED)
    with pytest.raises(KeysRefused, match=r"keys \(id\) hold NULL, such as \(id=None\)"):
        bench.publish(feed((2, "b", "I"), (2, "c", "D"), (None, "d", "I")), 2, write=FEED)
    with pytest.raises(KeysRefused, match=r"keys \(id\) stand in more than one row, such as \(id=2\)"):
        bench.publish(feed((2, "b", "I"), (2, "c", "D"), (3, "d", "I")), 2, write=FEED)
    assert bench.commits == (0 if is_first else 1)


@pytest.mark.slow
def test_columns_that_a_merge_names_have_to_be_there(bench: Bench) -> None:
    rows = feed((1, "a", "I"))
    bench.publish(rows, 1, write=FEED)
    for wrong, said in (
        (rows.drop_columns("id"), "it has no column 'id', which is part of the key"),
        (rows.drop_columns("op"), "it has no column 'op' to drop"),
        (rows.append_column("__lakeline_deleted", pa.array([True])), "'__lakeline_deleted' has the name of the mark"),
        (rows.set_column(0, "id", pa.array([1.0])), "its key 'id' is double, which is no key"),
    ):
        with pytest.raises(SchemaRefused, match=said):
            bench.publish(wrong, 2, write=FEED)
    with pytest.raises(SchemaRefused, match="its key 'more' is no column of the table"):
        bench.publish(
            rows.append_column("more", pa.array([1])), 2, write=Merge(on=("more",), drop=("op",)), evolve=True
        )
    with pytest.raises(ComputeFailed, match="no_such"):
        bench.publish(rows, 2, write=Merge(on=("id",), delete="no_such = 1", drop=("op",)))
    assert bench.commits == 1


@pytest.mark.slow
def test_a_key_of_several_columns_matches_on_all_of_them(bench: Bench) -> None:
    both = Merge(on=("id", "day"))
    for sequence, rows in enumerate((((1, "mon", 1), (1, "tue", 2)), ((1, "tue", 3), (2, "tue", 4))), 1):
        ids, days, counts = zip(*rows, strict=True)
        bench.publish(pa.table({"count": counts, "id": ids, "day": days}), sequence, write=both)
    assert sorted((row["id"], row["day"], row["count"]) for row in bench.rows()) == [
        (1, "mon", 1),
        (1, "tue", 3),
        (2, "tue", 4),
    ]


@pytest.mark.slow
def test_a_table_of_keys_alone_can_be_merged(bench: Bench) -> None:
    for sequence, ids in enumerate(([1, 2], [2, 3]), 1):
        bench.publish(pa.table({"id": ids}), sequence, write=Merge(on=("id",)))
    assert [row["id"] for row in bench.rows()] == [1, 2, 3]


@pytest.mark.slow
def test_what_is_deleted_where_the_expression_is_null_is_kept(bench: Bench) -> None:
    gone = Merge(on=("id",), delete="gone")
    rows = pa.table({"id": [1, 2, 3], "gone": pa.array([True, False, None])})
    bench.publish(rows, 1, write=gone)
    assert bench.rows() == [{"id": 2, "gone": False}, {"id": 3, "gone": None}]


CHANGES = st.lists(
    st.dictionaries(st.integers(0, 5), st.tuples(st.sampled_from("abc"), st.sampled_from("IUD")), max_size=5),
    min_size=1,
    max_size=4,
)


@pytest.mark.long_on_spark
@pytest.mark.slow
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=CHANGES)
def test_merges_do_what_a_dictionary_does(bench: Bench, batches: list[dict[int, tuple[str, str]]]) -> None:
    table = Bench(bench.lake, bench.name, f"silver.model_{len(bench.lake.tables())}")
    expected: dict[object, object] = {}
    for sequence, batch in enumerate(batches, 1):
        table.publish(feed(*((key, *change) for key, change in batch.items())), sequence, write=FEED)
        for key, (value, operation) in batch.items():
            expected.pop(key, None)
            if operation != "D":
                expected[key] = value
        assert told(table) == expected
    assert table.commits == len(batches)
