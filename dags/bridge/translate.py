"""Jobs become DAGs: what Airflow is to be given, decided without Airflow. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterBadDateError, croniter

from assets.catalog import Declared
from assets.errors import BadOption
from assets.graph import Graph
from assets.job import Cron, Job
from assets.jobs import RECONCILER, made_by
from assets.review import GATES
from assets.step import Approve, Materialize
from dags.bridge.docs import doc_of_job
from dags.bridge.spec import (
    ApproveSpec,
    AssetSpec,
    DagSpec,
    Does,
    MaterializeSpec,
    ReconcileSpec,
    ScheduleSpec,
    TaskSpec,
    WaitSpec,
    WatchSpec,
)
from dags.bridge.steps import Uris, reference_spec, tasks_of

Watches = Mapping[str, WatchSpec]
_QUESTIONS = 16
_LONGEST_TAG = 100
_RECONCILER_RETRIES = 2
_FIELDS = 5
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_UNWATCHED: Watches = {}


def translate(
    declared: Declared, uris: Uris, only: str | None = None, watches: Watches = _UNWATCHED
) -> tuple[DagSpec, ...]:
    """One DAG for each job, or for the `only` one; `uris` has the address of every asset of the graph.

    `watches` has how what others write is watched; it is, where it starts a job.
    """
    jobs = [job for job in declared.jobs.jobs.values() if only in {None, job.name}]
    watching = (reconciler(),) if declared.jobs.jobs and only in {None, RECONCILER} else ()
    return (*(_dag(declared.graph, job, uris, watches) for job in jobs), *watching)


def reconciler() -> DagSpec:
    """The DAG that finds what no event told of."""
    doc = "Starts the job that owns what is stale by the log, where no event has: once for each cause."
    task = TaskSpec(id="wake_owners", does=ReconcileSpec(), retries=_RECONCILER_RETRIES, doc=doc)
    return DagSpec(id=RECONCILER, schedule=ScheduleSpec(cron="*/5 * * * *"), tasks=(task,), doc=doc, tags=("lakeline",))


def _dag(graph: Graph, job: Job, uris: Uris, watches: Watches) -> DagSpec:
    tasks: list[TaskSpec] = []
    for step in job.steps:
        before = _last(tasks)
        tasks += [
            replace(
                task,
                does=_after_others(task.does, tasks),
                inlets=watched(task.inlets, watches),
                after=task.after or before,
                owner=task.owner or job.owner,
                pool=task.pool or job.pool,
                timeout=task.timeout or _timeout(task.does, job),
            )
            for task in tasks_of(graph, job, step, uris)
        ]
    _check_names(job, tasks)
    tasks = [replace(task, does=_before_others(task.does, tasks)) for task in tasks]
    return DagSpec(
        id=job.name,
        schedule=_schedule(graph, job, uris, watches),
        tasks=tuple(tasks),
        doc=doc_of_job(job),
        tags=_tags(graph, job),
        # A question may wait for days, and a newer version is asked about meanwhile.
        runs=_QUESTIONS if any(isinstance(step, Approve) for step in job.steps) else 1,
    )


def _timeout(does: Does, job: Job) -> timedelta | None:
    """How long a task may take that says nothing itself; waiting has times of its own, and a question may wait for days."""
    return None if isinstance(does, (WaitSpec, ApproveSpec)) else job.timeout


def _tags(graph: Graph, job: Job) -> tuple[str, ...]:
    """The tags of a job and of the assets that it owns; Airflow takes none that is longer."""
    owned = [made_by(graph, job, step) for step in job.steps if isinstance(step, Materialize) and step.owns]
    found = [job.tags, *(graph.assets[key].tags for keys in owned for key in keys)]
    told = ["lakeline", *(f"{name}:{value}" for tags in found for name, value in tags.items())]
    return tuple(dict.fromkeys(tag[:_LONGEST_TAG] for tag in told))


def _last(tasks: Iterable[TaskSpec]) -> tuple[str, ...]:
    """The tasks that no other one waits for."""
    listed = list(tasks)
    waited_for = {other for task in listed for other in task.after}
    return tuple(task.id for task in listed if task.id not in waited_for)


def _after_others(does: Does, tasks: Iterable[TaskSpec]) -> Does:
    """A task that knows of those whose answers it reads: who waited for an alias, or asked of the one before."""
    waits = {f"{t.does.model}@{t.does.alias}": t.id for t in tasks if isinstance(t.does, (WaitSpec, ApproveSpec))}
    if isinstance(does, MaterializeSpec):
        return replace(does, waited=waits)
    if isinstance(does, ApproveSpec):
        return replace(does, before=waits.get(f"{does.model}@{GATES[does.alias]}"))
    return does


def _before_others(does: Does, tasks: Iterable[TaskSpec]) -> Does:
    """A question that knows of the one which is asked next of the same version."""
    if not isinstance(does, ApproveSpec):
        return does
    asked = (task.does for task in tasks if isinstance(task.does, ApproveSpec) and task.does.model == does.model)
    return replace(does, then=next((other.alias for other in asked if GATES[other.alias] == does.alias), None))


def watched(assets: Iterable[AssetSpec], watches: Watches) -> tuple[AssetSpec, ...]:
    """The assets as they are watched; Airflow keeps what it saw last of each, so that it is the same wherever it stands."""
    return tuple(replace(asset, watch=watches.get(asset.name)) for asset in assets)


def _check_names(job: Job, tasks: Iterable[TaskSpec]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            raise BadOption(job.where, f"a task of the job {job.name!r}", f"{task.id!r} again", "a name of its own")
        seen.add(task.id)


def _schedule(graph: Graph, job: Job, uris: Uris, watches: Watches) -> ScheduleSpec:
    cron, update = job.cron, job.on_update
    assets = [reference_spec(graph, text, uris) for text in update.assets] if update else []
    _check_cron(job, cron)
    return ScheduleSpec(
        cron=cron.expression if cron else None,
        timezone=cron.timezone if cron else "UTC",
        assets=watched(assets, watches),
        needs_all=update is not None and update.needs == "all",
    )


def _check_cron(job: Job, cron: Cron | None) -> None:
    if cron is None:
        return
    told = f"the times of the job {job.name!r}"
    is_word = cron.expression.startswith("@")
    if not croniter.is_valid(cron.expression) or (len(cron.expression.split()) != _FIELDS and not is_word):
        wanted = "five fields, as '0 6 * * *' for six in the morning"
        raise BadOption(job.where, told, repr(cron.expression), wanted)
    try:
        croniter(cron.expression, _SOME_DAY).get_next()
    except CroniterBadDateError as error:
        wanted = "a day that comes, as '0 6 28 2 *' for the end of February"
        raise BadOption(job.where, told, repr(cron.expression), wanted) from error
    try:
        ZoneInfo(cron.timezone)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        wanted = "a name as 'Europe/Berlin' or 'UTC'"
        raise BadOption(job.where, f"the time zone of the job {job.name!r}", repr(cron.timezone), wanted) from error
