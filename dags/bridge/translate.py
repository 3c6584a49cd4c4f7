"""Jobs become DAGs: what Airflow is to be given, decided without Airflow. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from croniter import croniter

from assets.asset import Asset, External, group_of
from assets.catalog import Declared
from assets.errors import BadOption
from assets.graph import Graph
from assets.job import Cron, Job, Materialize, Step, WaitFor
from assets.jobs import made_by
from dags.bridge.docs import doc_of_asset, doc_of_job, doc_of_step
from dags.bridge.spec import AssetSpec, DagSpec, MaterializeSpec, ScheduleSpec, TaskSpec, WaitSpec, WatchSpec

Uris = Mapping[str, str]
Watches = Mapping[str, WatchSpec]

_UNWATCHED: Watches = {}


def translate(
    declared: Declared, uris: Uris, only: str | None = None, watches: Watches = _UNWATCHED
) -> tuple[DagSpec, ...]:
    """One DAG for each job, or for the `only` one; `uris` has the address of every asset of the graph.

    `watches` has how what others write is watched; it is, where it starts a job.
    """
    jobs = declared.jobs.jobs.values()
    return tuple(_dag(declared.graph, job, uris, watches) for job in jobs if only in {None, job.name})


def asset_spec(asset: Asset, uris: Uris) -> AssetSpec:
    """The Airflow asset of an asset."""
    return AssetSpec(name=asset.key, uri=uris[asset.key], group=group_of(asset))


def _dag(graph: Graph, job: Job, uris: Uris, watches: Watches) -> DagSpec:
    tasks: list[TaskSpec] = []
    for step in job.steps:
        before = _last(tasks)
        tasks += [
            replace(task, after=task.after or before, owner=task.owner or job.owner, pool=job.pool, timeout=job.timeout)
            for task in _tasks(graph, job, step, uris)
        ]
    _check_names(job, tasks)
    return DagSpec(
        id=job.name,
        schedule=_schedule(graph, job, uris, watches),
        tasks=tuple(tasks),
        doc=doc_of_job(job),
        tags=("lakeline", *(f"{name}:{value}" for name, value in job.tags.items())),
        owner=job.owner,
        params={"selection": None, "force": False, "why": ""},
    )


def _tasks(graph: Graph, job: Job, step: Step, uris: Uris) -> Iterator[TaskSpec]:
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
        doc=doc_of_step(graph, step, keys),
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


def _check_names(job: Job, tasks: Iterable[TaskSpec]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            raise BadOption(job.where, f"a task of the job {job.name!r}", f"{task.id!r} again", "a name of its own")
        seen.add(task.id)


def _schedule(graph: Graph, job: Job, uris: Uris, watches: Watches) -> ScheduleSpec:
    cron, update = job.cron, job.on_update
    assets = [asset_spec(graph.assets[key], uris) for key in update.assets] if update else []
    _check_cron(job, cron)
    return ScheduleSpec(
        cron=cron.expression if cron else None,
        timezone=cron.timezone if cron else "UTC",
        assets=tuple(replace(asset, watch=watches.get(asset.name)) for asset in assets),
        needs_all=update is not None and update.needs == "all",
    )


def _check_cron(job: Job, cron: Cron | None) -> None:
    if cron is not None and not croniter.is_valid(cron.expression):
        wanted = "five fields, as '0 6 * * *' for six in the morning"
        raise BadOption(job.where, f"the times of the job {job.name!r}", repr(cron.expression), wanted)
