"""The distances between two versions, as DuckDB counts them, beside what scipy makes of the same values."""

import math
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from lakehouse.distance import Distance
from lakehouse.duck import connect, scan
from lakehouse.engines.duck_distance import Side, distances
from lakehouse.errors import VersionUnreadable
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings

KEY = "gold.rows"
VALUES = st.none() | st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf]) | st.floats(-3, 3, width=16)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(LakeSettings(lake_root=str(tmp_path / "lake")))


def two_versions(lake: Lake, before: pa.Table, after: pa.Table) -> dict[str, Distance]:
    """What is between a table and what takes its place."""
    import deltalake

    lake.append(KEY, before, metadata="{}", after=-1)
    deltalake.write_deltalake(lake.location(KEY).uri, after, mode="overwrite", schema_mode="overwrite")
    return {found.column: found for found in lake.distances(lake.location(KEY), 0, 1)}


@pytest.mark.slow
@given(
    before=st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=30),
    after=st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=30),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_distance_is_scipys(
    lake: Lake, before: list[tuple[float | None, ...]], after: list[tuple[float | None, ...]]
) -> None:
    shutil.rmtree(lake.settings.root.uri, ignore_errors=True)
    schema = pa.schema({name: pa.float64() for name in "abc"})
    tables = [
        pa.table({name: [row[place] for row in rows] for place, name in enumerate("abc")}, schema)
        for rows in (before, after)
    ]
    for place, found in enumerate(two_versions(lake, *tables).values()):
        one, other = (
            [x for row in rows if (x := row[place]) is not None and not math.isnan(x)] for rows in (before, after)
        )
        assert (found.before, found.after) == (len(one), len(other))
        assert (found.missing_before, found.missing_after) == (len(before) - len(one), len(after) - len(other))
        if one and other:
            assert found.gap / (len(one) * len(other)) == pytest.approx(ks_2samp(one, other).statistic, abs=1e-12)


def test_numbers_of_every_type_are_compared_and_nothing_else(lake: Lake) -> None:
    before = {
        "a b": pa.array([1.5, 2.5], pa.float32()),
        "whole": pa.array([1, 2], pa.int8()),
        "price": pa.array([1, 2], pa.decimal128(10, 2)),
        "grew": pa.array([1, 2], pa.int32()),
        "gone": pa.array([1, 2]),
        "name": pa.array(["1", "2"]),
        "is_so": pa.array([True, False]),
    }
    after = dict(before) | {"grew": pa.array([1.0, 9.0]), "new": pa.array([1, 2])}
    del after["gone"]
    found = two_versions(lake, pa.table(before), pa.table(after))
    assert {name: distance.gap for name, distance in found.items()} == {"a b": 0, "whole": 0, "price": 0, "grew": 2}


def test_empty_and_constant_columns_are_counted(lake: Lake) -> None:
    before = pa.table({"none": pa.array([None, None], pa.float64()), "same": [3.0, 3.0]})
    after = pa.table({"none": pa.array([], pa.float64()), "same": pa.array([], pa.float64())})
    found = two_versions(lake, before, after)
    none = Distance(column="none", gap=0, before=0, after=0, missing_before=2, missing_after=0)
    same = Distance(column="same", gap=0, before=2, after=0, missing_before=0, missing_after=0)
    assert found == {"none": none, "same": same}


@pytest.mark.slow
def test_a_large_table_is_read_a_few_columns_at_a_time(lake: Lake) -> None:
    before, after = pa.table({name: [1, 2, 3] for name in "abc"}), pa.table({name: [1, 2, 9] for name in "abc"})
    whole = two_versions(lake, before, after)
    connection, location = connect(lake.settings), lake.location(KEY)
    sides = [
        Side(version=version, rows=3, frame=connection.sql(f"FROM {scan(location, version)}")) for version in (0, 1)
    ]
    for values_at_once in (1, 12):
        apart = distances(connection, location, *sides, values_at_once=values_at_once)
        assert {found.column: found for found in apart} == whole
    assert [found.gap for found in whole.values()] == [3, 3, 3]


def test_a_version_that_is_gone_is_named(lake: Lake) -> None:
    lake.append(KEY, pa.table({"a": [1]}), metadata="{}", after=-1)
    with pytest.raises(VersionUnreadable, match="version 7 of .*rows"):
        lake.distances(lake.location(KEY), 0, 7)
