import pytest

from tests.dags.running_airflow import RealAirflow

pytestmark = pytest.mark.slow

SHOP = '''
import pyarrow as pa

from assets import Materialize, asset, job


@asset("bronze.shop_orders", engine="duckdb", automation="manual")
def shop_orders():
    """One row per order."""
    return pa.table({"id": [1, 2, 3]})


made = job("shop_dag", steps=[Materialize("bronze.shop_orders")])
'''


def test_a_run_makes_a_table_and_tells_it_by_an_event(real_airflow: RealAirflow) -> None:
    rest = real_airflow.rest
    real_airflow.add("shop_on_airflow", SHOP)
    rest.wait_for_dag("shop_dag")
    run = rest.trigger("shop_dag")
    state = rest.wait_for_run("shop_dag", run)
    told = rest.log("shop_dag", run, "bronze.shop_orders")
    assert state == "success", told
    assert "3 rows" in told
    (event,) = rest.events("bronze.shop_orders")
    assert event["extra"]["rows"] == 3
    assert (real_airflow.lake_home / "lake" / "bronze" / "shop_orders" / "_delta_log").is_dir()


def test_the_reconciler_starts_what_nobody_has(real_airflow: RealAirflow) -> None:
    rest = real_airflow.rest
    eager = SHOP.replace(', automation="manual"', "").replace("shop_", "eager_")
    failing = eager.replace("eager_", "failing_").replace("return pa.table", "raise ValueError('no'); pa.table")
    modules = [real_airflow.add("eager_on_airflow", eager), real_airflow.add("failing_on_airflow", failing)]
    real_airflow.reconcile(*modules)
    for dag in ("eager_dag", "failing_dag", "lakeline_reconciler"):
        rest.wait_for_dag(dag)
    rest.trigger("lakeline_reconciler")
    (run,) = rest.wait_for_runs("eager_dag")
    assert str(run["dag_run_id"]).startswith("lakeline__")
    assert run["state"] == "success"

    (failed,) = rest.wait_for_runs("failing_dag")
    assert failed["state"] == "failed"
    again = rest.trigger("lakeline_reconciler")
    rest.wait_for_run("lakeline_reconciler", again)
    assert len(rest.runs("failing_dag")) == 1
    assert "failing_dag failed 1x, and is started again at" in rest.log("lakeline_reconciler", again, "wake_owners")


def test_what_was_killed_is_started_again_and_works_on(real_airflow: RealAirflow) -> None:
    real_airflow.kill("triggerer")
    real_airflow.heal()
    assert real_airflow.process("triggerer").is_running()
    assert real_airflow.rest.import_errors() == []
