"""DAGs, tasks and assets as Airflow's own objects."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetAlias,
    AssetAll,
    AssetAny,
    AssetOrTimeSchedule,
    AssetWatcher,
    BaseOperator,
    CronTriggerTimetable,
    Param,
    TriggerRule,
)

from dags.bridge.approve import ApproveOperator
from dags.bridge.drift import CheckDrift
from dags.bridge.operators import MaterializeOperator, ReconcileOperator, WaitForAlias
from dags.bridge.spec import (
    ApproveSpec,
    AssetSpec,
    CheckSpec,
    DagSpec,
    MaterializeSpec,
    ReconcileSpec,
    ScheduleSpec,
    TaskSpec,
    TendSpec,
    WaitSpec,
)
from dags.bridge.tend import TendTables
from dags.bridge.watch import NewsTrigger

_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_FIRST_PAUSE = timedelta(seconds=10)


def render(spec: DagSpec) -> DAG:
    """The DAG of a spec. Of the times that passed before its first start, or while it was off, it runs for the last alone."""
    dag = DAG(
        dag_id=spec.id,
        schedule=_schedule(spec.schedule),
        start_date=_FIRST_DAY,
        catchup=False,
        max_active_runs=spec.runs,
        doc_md=spec.doc,
        tags=list(spec.tags),
        params=dict(_params(spec)),
    )
    made: dict[str, BaseOperator] = {}
    for task in spec.tasks:
        made[task.id] = _operator(dag, task)
        made[task.id].set_upstream([made[other] for other in task.after])
    return dag


def _params(spec: DagSpec) -> Iterator[tuple[str, Param]]:
    """What a run of the DAG may be asked for: where it makes assets, which of them."""
    if any(isinstance(task.does, MaterializeSpec) for task in spec.tasks):
        yield "selection", Param(None, type=["null", "string"], description="Only these of the DAG's assets.")
        yield "force", Param(False, type="boolean", description="Makes them also where nothing has changed.")
    yield "why", Param("", type="string", description="What the run is for; it is told in the log.")


def asset(spec: AssetSpec) -> Asset:
    """The Airflow asset of a spec. Airflow keeps the watchers of the last one that it is shown: all of a name are alike."""
    return Asset(name=spec.name, uri=spec.uri, group=spec.group, watchers=list(_watchers(spec)))


def _watchers(spec: AssetSpec) -> Iterator[AssetWatcher]:
    if spec.watch is not None:
        watch = spec.watch
        trigger = NewsTrigger(key=spec.name, place=watch.place, pattern=watch.pattern, poll_seconds=watch.poll_seconds)
        yield AssetWatcher(name=spec.name, trigger=trigger)


def _operator(dag: DAG, task: TaskSpec) -> BaseOperator:
    given: dict[str, Any] = {
        "dag": dag,
        "task_id": task.id,
        "retries": task.retries,
        "retry_delay": _FIRST_PAUSE,
        "retry_exponential_backoff": True,
        "owner": task.owner or "lakeline",
        "doc_md": task.doc,
        "execution_timeout": task.timeout,
        "inlets": [asset(inlet) for inlet in task.inlets],
        # What is fresh already is skipped, and the rest of the DAG goes on.
        "trigger_rule": TriggerRule.NONE_FAILED,
        **({} if task.pool is None else {"pool": task.pool}),
    }
    if isinstance(task.does, WaitSpec):
        wait = task.does
        return WaitForAlias(model=wait.model, alias=wait.alias, poll=wait.poll, deadline=wait.timeout, **given)
    if isinstance(task.does, ReconcileSpec):
        return ReconcileOperator(**given)
    if isinstance(task.does, CheckSpec):
        return CheckDrift(table=task.does.table, model=task.does.model, alias=task.does.alias, **given)
    if isinstance(task.does, TendSpec):
        return TendTables(selection=task.does.selection, older_than=task.does.older_than, **given)
    outlets: list[Asset | AssetAlias] = [asset(outlet) for outlet in task.outlets]
    if isinstance(task.does, ApproveSpec):
        return ApproveOperator(spec=task.does, outlets=outlets, **given)
    if task.alias is not None:
        outlets.append(AssetAlias(name=task.alias))
    does = task.does
    return MaterializeOperator(keys=does.keys, waited=does.waited, by_params=True, outlets=outlets, **given)


def _schedule(spec: ScheduleSpec) -> object:
    assets = [asset(each) for each in spec.assets]
    updates = AssetAll(*assets) if spec.needs_all else AssetAny(*assets)
    if spec.cron is None:
        return updates if assets else None
    times = CronTriggerTimetable(spec.cron, timezone=spec.timezone)
    return AssetOrTimeSchedule(timetable=times, assets=updates) if assets else times
