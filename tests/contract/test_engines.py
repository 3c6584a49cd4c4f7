"""One suite for both engines: what one writes, every reader reads."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from lakehouse.audit import ReferenceRule, RowRule, UniqueRule
from lakehouse.engine import Engine, Publication
from lakehouse.errors import ComputeFailed, PlatformError
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp
from tests.contract.conftest import KEY


def stamp(sequence: int, run: str = "r") -> Stamp:
    return Stamp(asset=KEY, code="c", inputs={}, run=run, sequence=sequence)


def publish(lake: Lake, engine: Engine, rows: pa.Table, sequence: int, run: str = "r", **options: object) -> None:
    publication = Publication(
        location=lake.location(KEY),
        metadata=stamp(sequence, run).encode(),
        application=KEY,
        sequence=sequence,
        **{"write": "replace", **options},  # type: ignore[arg-type]
    )
    engine.publish(engine.from_arrow(rows), publication)


def read(lake: Lake, version: int | None = None) -> list[dict[str, object]]:
    return lake.read_arrow(KEY, version).sort_by("id").to_pylist()


def test_a_version_carries_its_stamp_and_stays_readable(lake: Lake, engine: Engine) -> None:
    publish(lake, engine, pa.table({"id": [1, 2]}), 1)
    publish(lake, engine, pa.table({"id": [3]}), 2)
    assert [commit.stamp for commit in lake.history(KEY)] == [stamp(1), stamp(2)]
    assert [commit.rows for commit in lake.history(KEY)] == [2, 1]
    assert read(lake, 0) == [{"id": 1}, {"id": 2}]
    assert read(lake) == [{"id": 3}]


def test_a_sequence_is_committed_once(lake: Lake, engine: Engine) -> None:
    publish(lake, engine, pa.table({"id": [1]}), 1, "first")
    publish(lake, engine, pa.table({"id": [2]}), 1, "second")
    assert [commit.stamp and commit.stamp.run for commit in lake.history(KEY)] == ["first"]
    assert read(lake) == [{"id": 1}]


def test_an_append_adds(lake: Lake, engine: Engine) -> None:
    publish(lake, engine, pa.table({"id": [1]}), 1, write="append")
    publish(lake, engine, pa.table({"id": [2]}), 2, write="append")
    publish(lake, engine, pa.table({"id": pa.array([], pa.int64())}), 3, write="append")
    assert read(lake) == [{"id": 1}, {"id": 2}]
    assert [commit.effective for commit in lake.history(KEY)] == [0, 1, 1]


def test_an_append_of_another_schema_is_refused_and_writes_nothing(lake: Lake, engine: Engine) -> None:
    publish(lake, engine, pa.table({"id": [1]}), 1, write="append")
    with pytest.raises(PlatformError):
        publish(lake, engine, pa.table({"id": [2], "more": ["x"]}), 2, write="append")
    assert read(lake) == [{"id": 1}]


def test_a_replacement_may_change_the_schema(lake: Lake, engine: Engine) -> None:
    publish(lake, engine, pa.table({"id": [1]}), 1)
    publish(lake, engine, pa.table({"id": ["a"], "more": [1.5]}), 2)
    assert read(lake) == [{"id": "a", "more": 1.5}]


def test_a_limited_replacement_leaves_the_other_rows(lake: Lake, engine: Engine) -> None:
    for sequence, rows in enumerate(([1, 1], [2], [1]), 1):
        replaced = {"replace_where": f"id = {rows[0]}", "evolve": True}
        publish(lake, engine, pa.table({"id": rows}), sequence, **replaced)
    assert read(lake) == [{"id": 1}, {"id": 2}]


def test_types_and_odd_names_survive(lake: Lake, engine: Engine) -> None:
    row = {
        "id": 1,
        "Größe": 1.5,
        "flag": True,
        "text": 'it\'s "x"\n',
        "nothing": None,
        "when": datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
        "raw": b"\x00\xff",
    }
    schema = pa.schema(
        {
            "id": pa.int64(),
            "Größe": pa.float64(),
            "flag": pa.bool_(),
            "text": pa.string(),
            "nothing": pa.string(),
            "when": pa.timestamp("us", "UTC"),
            "raw": pa.binary(),
        }
    )
    publish(lake, engine, pa.Table.from_pylist([row], schema=schema), 1)
    assert read(lake) == [row]


def test_a_frame_without_rows_keeps_its_columns_and_their_types(lake: Lake, engine: Engine) -> None:
    schema = pa.schema(
        {
            "id": pa.int32(),
            "x": pa.float64(),
            "größe": pa.string(),
            "when": pa.timestamp("us", "UTC"),
            "raw": pa.binary(),
        }
    )
    one = pa.Table.from_pylist([{"id": 1, "when": datetime(2026, 1, 2, tzinfo=UTC)}], schema=schema)
    empty = engine.from_arrow(schema.empty_table())
    assert engine.columns(empty) == engine.columns(engine.from_arrow(one))
    publish(lake, engine, schema.empty_table(), 1)
    publish(lake, engine, one, 2, write="append")
    assert [(commit.rows, commit.effective) for commit in lake.history(KEY)] == [(0, 0), (1, 1)]
    assert lake.read_arrow(KEY, 0).schema.equals(lake.read_arrow(KEY, 1).schema)


def test_the_table_keeps_its_old_versions_for_years(lake: Lake, engine: Engine) -> None:
    publish(lake, engine, pa.table({"id": [1]}), 1)
    first = (lake.files.read(lake.location(KEY).child("_delta_log"), f"{0:020}.json")).decode()
    assert first.count("interval 3650 days") == 2


def test_an_audit_counts_each_rule_and_parts_the_rows(lake: Lake, engine: Engine) -> None:
    publish(lake, engine, pa.table({"id": [1, 2]}), 1)
    rules = (
        RowRule(name="x > 0", expression="x > 0", otherwise="quarantine"),
        RowRule(name="x < 9", expression="x < 9", otherwise="warn"),
        UniqueRule(name="unique(id)", columns=("id",), otherwise="fail"),
        ReferenceRule(
            name="ref",
            columns=("id",),
            location=lake.location(KEY),
            version=0,
            other_columns=("id",),
            otherwise="quarantine",
        ),
    )
    frame = engine.from_arrow(pa.table({"id": [1, 1, 2, 7, None], "x": [1.0, -1.0, None, 10.0, 5.0]}))
    audit = engine.audit(frame, rules)
    assert audit.total == 5
    assert dict(audit.failed) == {"x > 0": 2, "x < 9": 2, "unique(id)": 2, "ref": 1}
    assert audit.rejected_rows == 3
    assert set(audit.samples) == {"x > 0", "x < 9", "unique(id)", "ref"}
    assert audit.rejected is not None
    told = engine.with_columns(audit.rejected, {"run": "r'1", "sequence": 4})
    numbered = engine.arrow(engine.with_suffix(told, "run", "-'2"))
    assert set(numbered["run"].to_pylist()) == {"r'1-'2"}
    assert numbered.column_names == engine.arrow(told).column_names
    assert list(engine.columns(told)) == ["id", "x", "failed_checks", "row_id", "run", "sequence"]
    engine.publish(audit.passed, _publication(lake, "gold.good"))
    engine.publish(told, _publication(lake, "gold.bad"))
    engine.release()
    assert sorted(str(row["id"]) for row in lake.read_arrow("gold.good").to_pylist()) == ["1", "None"]
    bad = {(row["id"], row["x"], row["failed_checks"]) for row in lake.read_arrow("gold.bad").to_pylist()}
    assert bad == {(1, -1.0, "x > 0; unique(id)"), (2, None, "x > 0; x < 9"), (7, 10.0, "x < 9; ref")}


def test_a_wrong_expression_is_told_without_a_stack(engine: Engine) -> None:
    with pytest.raises(ComputeFailed) as caught:
        frame = engine.from_arrow(pa.table({"id": [1]}))
        engine.audit(frame, (RowRule(name="bad", expression="no_such_column > 0", otherwise="fail"),))
    assert "no_such_column" in str(caught.value)
    assert "JVM" not in str(caught.value)


def test_what_is_no_frame_is_told(engine: Engine) -> None:
    with pytest.raises(ComputeFailed, match="list"):
        engine.columns([1, 2])


def _publication(lake: Lake, key: str) -> Publication:
    return Publication(location=lake.location(key), write="replace", metadata="{}", application=key, sequence=1)
