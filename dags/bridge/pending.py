"""Which DAG run asks a question by now: kept in Airflow beside the asset of the alias that is asked for."""

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time.context import AssetStateStoreAccessor
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

_ASKED = "asked"


def note(reference: str, version: int, run: str) -> None:
    """Tells that a DAG run, as `dag/run`, asks whether a version may have the alias of `model@alias`."""
    AssetStateStoreAccessor(name=reference).set(_ASKED, {"version": version, "run": run})


def asked_by(reference: str, version: int) -> str | None:
    """The DAG run that asks, where it is still at work."""
    told = AssetStateStoreAccessor(name=reference).get(_ASKED)
    if not isinstance(told, dict) or told.get("version") != version:
        return None
    run = str(told["run"])
    dag_id, _, run_id = run.partition("/")
    try:
        state = RuntimeTaskInstance.get_dagrun_state(dag_id, run_id)
    except AirflowRuntimeError:  # it was deleted
        return None
    return run if state in {"queued", "running"} else None
