"""Starts the jobs of what the log says is stale and no event told of: a run whose name is its cause, so that there is one."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError, AirflowSkipException
from airflow.sdk.execution_time.comms import DagRunResult, ErrorResponse, GetDagRun, TriggerDagRun

from assets import catalog
from assets.asset import ModelAsset
from assets.materialize import Materializer
from assets.review import waiting
from assets.waking import Waking, pause, wakings
from dags.bridge import pending
from lakehouse.lake import Lake
from registry.journal import Told
from registry.models import Models

_log = logging.getLogger("lakeline")

_FAILURES_TOLD = 3  # so often in a row a job may fail for one cause before the reconciler fails as well


class _Failing(Exception):
    """A job that fails again and again for one cause."""


def reconcile(context: Context) -> Sequence[str]:
    """The runs that were started; fails once all are where a job fails again and again, so that somebody sees it."""
    declared = catalog.load_jobs()
    lake = Lake.from_env(_log.info)
    models = Models.from_env(lake)
    materializer = Materializer(lake, models, declared.graph, report=_log.info)
    observed = materializer.observe().observed
    journal = Told(events=models.events())
    keys = [key for key, asset in declared.graph.assets.items() if isinstance(asset, ModelAsset)]
    asked = [each for key in keys for each in waiting(journal, key)]
    started: list[str] = []
    failing: list[str] = []
    for waking in wakings(declared.jobs, declared.graph, observed, asked):
        try:
            started += _start(waking, context)
        except _Failing as error:
            failing.append(str(error))
    if failing:
        raise AirflowFailException("; ".join(failing))
    if not started:
        raise AirflowSkipException("no job has to be started")
    return started


def _start(waking: Waking, context: Context) -> Sequence[str]:
    """The run that was started, if one was; a job that Airflow cannot start now stands in the way of no other one."""
    told = "; ".join(waking.causes)
    try:
        if _is_at_work(waking, context):
            _log.info("%s is at work already: %s", waking.job, told)
            return ()
        return _started(waking, told)
    except AirflowRuntimeError as error:
        _log.error("%s could not be started: %s", waking.job, error)
        return ()


def _started(waking: Waking, told: str) -> Sequence[str]:
    """A run that has its cause as its name, so that there is one; another one only some time after that has failed."""
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS  # there once a task runs

    failures = 0
    while True:
        run_id = f"lakeline__{waking.id}" + (f"_{failures + 1}" if failures else "")
        answer = SUPERVISOR_COMMS.send(TriggerDagRun(dag_id=waking.job, run_id=run_id, conf={"why": told}))
        if not isinstance(answer, ErrorResponse):
            _log.info("started %s: %s", waking.job, told)
            return (f"{waking.job}/{run_id}",)
        before = SUPERVISOR_COMMS.send(GetDagRun(dag_id=waking.job, run_id=run_id))
        if not isinstance(before, DagRunResult) or before.state != "failed":
            _log.info("%s was started for this before: %s", waking.job, told)
            return ()
        failures += 1
        again_at = (before.end_date or datetime.now(UTC)) + pause(failures)
        if datetime.now(UTC) < again_at:
            failed = (
                f"{waking.job} failed {failures}x, and is started again at {again_at:%Y-%m-%d %H:%M:%S} UTC: {told}"
            )
            _log.warning(failed)
            if failures >= _FAILURES_TOLD:
                raise _Failing(failed)
            return ()


def _is_at_work(waking: Waking, context: Context) -> bool:
    """Whether a run of the job sees to it; of the runs that ask, each has a version of its own."""
    if waking.asks is None:
        return bool(context["ti"].get_dr_count(waking.job, states=["queued", "running"]))
    return pending.asked_by(f"{waking.asks.model}@{waking.asks.alias}", waking.asks.version) is not None
