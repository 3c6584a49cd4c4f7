"""Starts the jobs of what the log says is stale and no event told of: a run whose name is its cause, so that there is one."""

import logging
from collections.abc import Sequence

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowSkipException
from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun

from assets import catalog
from assets.asset import ModelAsset
from assets.materialize import Materializer
from assets.review import waiting
from assets.waking import Waking, wakings
from dags.bridge import pending
from lakehouse.lake import Lake
from registry.journal import Told
from registry.models import Models

_log = logging.getLogger("lakeline")

_TRIES = 3  # runs for one cause, each after the one before has failed


def reconcile(context: Context) -> Sequence[str]:
    """The runs that were started."""
    declared = catalog.load_jobs()
    lake = Lake.from_env(_log.info)
    models = Models.from_env(lake)
    materializer = Materializer(lake, models, declared.graph, report=_log.info)
    observed = materializer.observe().observed
    journal = Told(events=models.events())
    keys = [key for key, asset in declared.graph.assets.items() if isinstance(asset, ModelAsset)]
    asked = [each for key in keys for each in waiting(journal, key)]
    found = wakings(declared.jobs, declared.graph, observed, asked)
    started = [run for waking in found if (run := _start(waking, context)) is not None]
    if not started:
        raise AirflowSkipException("no job has to be started")
    return started


def _start(waking: Waking, context: Context) -> str | None:
    """The run that was started; a job that Airflow cannot start now stands in the way of no other one."""
    told = "; ".join(waking.causes)
    try:
        if _is_at_work(waking, context):
            _log.info("%s is at work already: %s", waking.job, told)
            return None
        return _started(waking, told)
    except AirflowRuntimeError as error:
        _log.error("%s could not be started: %s", waking.job, error)
        return None


def _started(waking: Waking, told: str) -> str | None:
    """A run that has its cause as its name, so that there is one; another one only where that has failed."""
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS, RuntimeTaskInstance  # there once a task runs

    for number in range(_TRIES):
        run_id = f"lakeline__{waking.id}" + (f"_{number + 1}" if number else "")
        answer = SUPERVISOR_COMMS.send(TriggerDagRun(dag_id=waking.job, run_id=run_id, conf={"why": told}))
        if not isinstance(answer, ErrorResponse):
            _log.info("started %s: %s", waking.job, told)
            return f"{waking.job}/{run_id}"
        if RuntimeTaskInstance.get_dagrun_state(waking.job, run_id) != "failed":
            _log.info("%s was started for this before: %s", waking.job, told)
            return None
    _log.error("%s failed %s times, and waits for a person: %s", waking.job, _TRIES, told)
    return None


def _is_at_work(waking: Waking, context: Context) -> bool:
    """Whether a run of the job sees to it; of the runs that ask, each has a version of its own."""
    if waking.asks is None:
        return bool(context["ti"].get_dr_count(waking.job, states=["queued", "running"]))
    return pending.asked_by(f"{waking.asks.model}@{waking.asks.alias}", waking.asks.version) is not None
