"""Jobs become DAGs: what Airflow is to be given, decided without Airflow. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter

from assets.asset import Asset, External, ModelAsset, group_of
from assets.catalog import Declared
from assets.errors import BadOption
from assets.graph import Graph
from assets.job import Approve, Cron, Job, Materialize, Step, WaitFor
from assets.jobs import made_by
from assets.key import Reference
from assets.review import GATES
from dags.bridge.docs import doc_of_asset, doc_of_job, doc_of_step
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
)

Uris = Mapping[str, str]
RECONCILER = "lakeline_reconciler"
_APPROVAL_RETRIES = 3
_QUESTIONS = 16


def translate(declared: Declared, uris: Uris, only: str | None = None) -> tuple[DagSpec, ...]:
    """One DAG for each job, or for the `only` one; `uris` has the address of every asset of the graph."""
    jobs = [job for job in declared.jobs.jobs.values() if only in {None, job.name}]
    watching = (reconciler(),) if declared.jobs.jobs and only in {None, RECONCILER} else ()
    return (*(_dag(declared.graph, job, uris) for job in jobs), *watching)


def asset_spec(asset: Asset, uris: Uris) -> AssetSpec:
    """The Airflow asset of an asset."""
    return AssetSpec(name=asset.key, uri=uris[asset.key], group=group_of(asset))


def reference_spec(graph: Graph, text: str, uris: Uris) -> AssetSpec:
    """The Airflow asset of an asset, or of the alias of a model."""
    return AssetSpec(name=text, uri=uris[text], group=group_of(graph.assets[Reference.parse(text).key]))


def reconciler() -> DagSpec:
    """The DAG that finds what no event told of."""
    doc = "Starts the job that owns what is stale by the log, where no event has: once for each cause."
    task = TaskSpec(id="wake_owners", does=ReconcileSpec(), doc=doc)
    return DagSpec(id=RECONCILER, schedule=ScheduleSpec(cron="*/5 * * * *"), tasks=(task,), doc=doc, tags=("lakeline",))


def _dag(graph: Graph, job: Job, uris: Uris) -> DagSpec:
    tasks: list[TaskSpec] = []
    for step in job.steps:
        before = _last(tasks)
        tasks += [
            replace(
                task,
                does=_after_others(task.does, tasks),
                after=task.after or before,
                owner=task.owner or job.owner,
                pool=job.pool,
                timeout=job.timeout,
            )
            for task in _tasks(graph, job, step, uris)
        ]
    _check_names(job, tasks)
    return DagSpec(
        id=job.name,
        schedule=_schedule(graph, job, uris),
        tasks=tuple(tasks),
        doc=doc_of_job(job),
        tags=("lakeline", *(f"{name}:{value}" for name, value in job.tags.items())),
        owner=job.owner,
        # A question may wait for days, and a newer version is asked about meanwhile.
        runs=_QUESTIONS if any(isinstance(step, Approve) for step in job.steps) else 1,
    )


def _tasks(graph: Graph, job: Job, step: Step, uris: Uris) -> Iterator[TaskSpec]:
    if isinstance(step, Approve):
        yield _approval(graph, step, uris)
        return
    if isinstance(step, WaitFor):
        does = WaitSpec(model=step.model, alias=step.alias, poll=step.poll, timeout=step.timeout)
        yield TaskSpec(id=step.name or f"wait_for_{step.alias}", does=does, doc=f"Waits for {step.model}@{step.alias}.")
        return
    keys = made_by(graph, job, step)
    if step.by == "asset":
        yield from _one_for_each(graph, keys, step, uris)
        return
    made = [graph.assets[key] for key in keys]
    is_alone = step.owns and len(keys) == 1
    yield TaskSpec(
        id=step.name or "materialize",
        does=MaterializeSpec(keys=keys),
        outlets=tuple(asset_spec(asset, uris) for asset in made) if is_alone else (),
        alias=None if is_alone else f"{job.name}.{step.name or 'materialize'}",
        retries=max(_retries(asset) for asset in made),
        owner=next((asset.owner for asset in made if asset.owner), None),
        doc=doc_of_step(graph, step.selection, keys),
    )


def _approval(graph: Graph, step: Approve, uris: Uris) -> TaskSpec:
    gate = graph.assets[step.model]
    who = gate.gates.get(step.alias, "human") if isinstance(gate, ModelAsset) else "human"
    return TaskSpec(
        id=step.name or f"approve_{step.alias}",
        does=ApproveSpec(model=step.model, alias=step.alias, shown=step.shown, remind=step.remind),
        outlets=(reference_spec(graph, f"{step.model}@{step.alias}", uris),),
        retries=_APPROVAL_RETRIES,
        owner=gate.owner,
        doc=f"Asks whether a version of `{step.model}` may become `{step.alias}`; who answers is declared as `{who}`.",
    )


def _one_for_each(graph: Graph, keys: tuple[str, ...], step: Materialize, uris: Uris) -> Iterator[TaskSpec]:
    for key in keys:
        asset = graph.assets[key]
        yield TaskSpec(
            id=key,
            does=MaterializeSpec(keys=(key,)),
            after=tuple(sorted(graph.upstream[key] & set(keys))),
            outlets=(asset_spec(asset, uris),) if step.owns else (),
            alias=None if step.owns else key,
            retries=_retries(asset),
            owner=asset.owner,
            doc=doc_of_asset(graph, asset),
        )


def _retries(asset: Asset) -> int:
    return 0 if isinstance(asset, External) else asset.retries


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


def _check_names(job: Job, tasks: Iterable[TaskSpec]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            raise BadOption(job.where, f"a task of the job {job.name!r}", f"{task.id!r} again", "a name of its own")
        seen.add(task.id)


def _schedule(graph: Graph, job: Job, uris: Uris) -> ScheduleSpec:
    cron, update = job.cron, job.on_update
    _check_cron(job, cron)
    return ScheduleSpec(
        cron=cron.expression if cron else None,
        timezone=cron.timezone if cron else "UTC",
        assets=tuple(reference_spec(graph, text, uris) for text in update.assets) if update else (),
        needs_all=update is not None and update.needs == "all",
    )


def _check_cron(job: Job, cron: Cron | None) -> None:
    if cron is None:
        return
    if not croniter.is_valid(cron.expression):
        wanted = "five fields, as '0 6 * * *' for six in the morning"
        raise BadOption(job.where, f"the times of the job {job.name!r}", repr(cron.expression), wanted)
    try:
        ZoneInfo(cron.timezone)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        wanted = "a name as 'Europe/Berlin' or 'UTC'"
        raise BadOption(job.where, f"the time zone of the job {job.name!r}", repr(cron.timezone), wanted) from error
