"""What has drifted, on a real lake: measured, recorded once, pushed each time."""

import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import deltalake
import pytest
from scipy.stats import ks_2samp

from assets import external
from assets.drift import Checked, DriftMonitor
from assets.errors import NothingToCompare
from assets.graph import Graph
from assets.lineage import Lineage
from lakehouse.errors import TableMissing, VersionUnreadable
from lakehouse.lake import Lake
from lakehouse.table import Location
from observability.errors import PushFailed
from registry.errors import UnknownModel
from registry.models import Models
from tests.observability.drifted import MODEL, TABLE, flowers, gateway, grown, serving


def monitor(lake: Lake, gateway: str | None = None, graph: Graph | None = None) -> DriftMonitor:
    return DriftMonitor(lake, Models.from_env(lake), graph or Graph.of(()), gateway)


def checked(lake: Lake, table: str = TABLE, run: str = "run-1", gateway: str | None = None) -> Checked:
    """What is found of the table and the model that serves."""
    watching = monitor(lake, gateway)
    version = watching.serving(MODEL, "production")
    assert version is not None
    return watching.check(version, "production", table, run)


def recorded(lake: Lake) -> list[dict[str, object]]:
    return lake.read_arrow("ops.drift").to_pylist() if lake.history("ops.drift") else []


def test_a_table_is_compared_with_the_version_that_the_serving_model_learned_from(lake: Lake) -> None:
    grown(lake, 1.0, 2.0, None)
    serving(lake)
    grown(lake, 2.0, 3.0, 4.0, float("nan"))
    found = checked(lake)
    assert found.error is None
    assert found.is_new
    (row,) = recorded(lake)
    assert found.measured is not None
    assert row.pop("at") == found.measured.at
    assert row == {
        "model": MODEL,
        "model_version": 1,
        "table": TABLE,
        "column": "sepal_length",
        "baseline_version": 0,
        "current_version": 1,
        "baseline_rows": 3,
        "current_rows": 7,
        "baseline_nulls": 1,
        "current_nulls": 2,
        "ks_statistic": 0.4,
        "p_value": pytest.approx(ks_2samp([1, 2], [1, 2, 2, 3, 4]).pvalue),
    }


def test_the_stamp_tells_what_was_read_and_by_which_run(lake: Lake) -> None:
    grown(lake, 1.0, 2.0)
    serving(lake)
    grown(lake, 3.0)
    checked(lake, run="model_monitoring_dag/scheduled")
    (commit,) = lake.history("ops.drift")
    assert commit.stamp is not None
    assert (commit.stamp.asset, commit.stamp.run, commit.stamp.sequence) == (
        "ops.drift",
        "model_monitoring_dag/scheduled",
        1,
    )
    read = {name: (used.version, used.alias) for name, used in commit.stamp.inputs.items()}
    assert read == {TABLE: (1, None), f"{TABLE}@baseline": (0, "baseline"), f"models.{MODEL}": (1, "production")}
    told = Lineage.of(lake)
    assert {node.key for node in told.downstream(told.find(TABLE, 0)).next} == {"ops.drift", f"models.{MODEL}"}


@pytest.mark.slow
def test_the_same_two_versions_are_measured_once(lake: Lake) -> None:
    grown(lake, 1.0)
    grown(lake, 2.0)
    serving(lake)
    first, again = checked(lake), checked(lake, run="run-2")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.measured == first.measured
    deltalake.DeltaTable(lake.location(TABLE).uri).optimize.compact()
    assert not checked(lake).is_new
    assert grown(lake, 3.0) == 3
    assert checked(lake).is_new
    assert sorted(str(row["current_version"]) for row in recorded(lake)) == ["1", "3"]
    serving(lake, version=2)
    assert checked(lake).is_new
    assert [commit.stamp.sequence for commit in lake.history("ops.drift") if commit.stamp] == [1, 2, 3]


def test_another_alias_of_the_same_version_finds_what_was_measured(lake: Lake) -> None:
    grown(lake, 1.0)
    serving(lake)
    found = checked(lake)
    version = monitor(lake).serving(MODEL, "candidate")
    assert version is not None
    again = monitor(lake).check(version, "candidate", TABLE)
    assert again.measured is not None and found.measured is not None
    assert (again.is_new, again.measured.columns) == (False, found.measured.columns)


@pytest.mark.slow
def test_of_some_that_measure_at_once_one_records(lake: Lake) -> None:
    grown(lake, 1.0, 2.0)
    serving(lake)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: checked(Lake.from_env(), run=f"run-{number}"), range(4)))
    assert [each.error for each in found] == [None] * 4
    assert sum(each.is_new for each in found) == 1
    assert len(recorded(lake)) == 1


@pytest.mark.slow
def test_what_could_not_be_pushed_is_recorded_and_pushed_by_the_next_try(lake: Lake) -> None:
    grown(lake, 1.0, 2.0)
    serving(lake)
    grown(lake, 9.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    failed = checked(lake, gateway=f"http://127.0.0.1:{port}")
    assert isinstance(failed.error, PushFailed)
    assert failed.is_new
    assert len(recorded(lake)) == 1
    with gateway() as (address, pushed):
        assert checked(lake, gateway=address).error is None
        assert not checked(lake, gateway=address).is_new
    assert len(recorded(lake)) == 1
    assert [f"sepal_length_ks_statistic {1 / 3}" in text for _, text in pushed] == [True, True]


def test_a_baseline_whose_files_were_put_together_is_read_where_it_is_now(lake: Lake) -> None:
    for length in (1.0, 2.0, 3.0):
        grown(lake, length)
    serving(lake)
    table = deltalake.DeltaTable(lake.location(TABLE).uri)
    table.optimize.compact()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(VersionUnreadable):
        lake.read_arrow(TABLE, 2)
    grown(lake, 4.0)
    found = checked(lake)
    assert found.measured is not None, found.error
    assert (found.measured.pair.baseline.version, found.measured.columns[0].baseline_rows) == (2, 3)


def test_a_table_without_rows_or_numbers_has_nothing_to_tell(lake: Lake) -> None:
    lake.append(TABLE, flowers().select(["measurement_id"]), metadata="{}", after=-1)
    lake.append("gold.empty", flowers(), metadata="{}", after=-1)
    serving(lake)
    found = checked(lake)
    assert found.measured is not None
    assert (found.is_new, found.measured.columns) == (True, ())
    assert not checked(lake).is_new
    serving(lake, "gold.empty", version=2)
    (column,) = checked(lake, table="gold.empty").measured.columns  # type: ignore[union-attr]
    assert (column.ks_statistic, column.p_value, column.baseline_rows) == (None, None, 0)


def test_nothing_serves_until_a_version_has_the_alias(lake: Lake) -> None:
    with pytest.raises(UnknownModel):
        monitor(lake).serving(MODEL, "production")
    grown(lake, 1.0)
    serving(lake, alias="staging")
    assert monitor(lake).serving(MODEL, "production") is None


def test_what_cannot_be_compared_says_why(lake: Lake) -> None:
    grown(lake, 1.0)
    serving(lake)
    stranger = checked(lake, table="gold.other").error
    assert str(stranger).endswith(f"it was trained on {TABLE}")
    folder = Path(lake.location(TABLE).uri)
    shutil.rmtree(folder)
    assert isinstance(checked(lake).error, TableMissing)
    grown(lake, 1.0)
    made_anew = checked(lake).error
    assert isinstance(made_anew, NothingToCompare)
    assert "v0 of a table that was dropped and made anew since; train it again" in str(made_anew)
    watching = monitor(lake)
    version = watching.serving(MODEL, "production")
    assert version is not None
    unknown = watching.check(replace(version, stamp=None), "production", TABLE).error
    assert "no stamp tells what that was" in str(unknown)
    assert watching.tables(replace(version, stamp=None)) == ()
    assert recorded(lake) == []


@pytest.mark.slow
def test_an_external_table_is_read_at_its_own_address(lake: Lake, tmp_path: Path) -> None:
    key, place = "outside.flowers", str(tmp_path / "elsewhere")
    deltalake.write_deltalake(place, flowers(1.0, 2.0))
    serving(lake, key, place=Location(uri=place))
    deltalake.write_deltalake(place, flowers(9.0), mode="append")
    watching = monitor(lake, graph=Graph.of((external(key, table=place),)))
    version = watching.serving(MODEL, "production")
    assert version is not None
    found = watching.check(version, "production", key)
    assert found.measured is not None, found.error
    assert (found.measured.columns[0].baseline_rows, found.measured.columns[0].current_rows) == (2, 3)
