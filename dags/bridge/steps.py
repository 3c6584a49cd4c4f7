"""The tasks of a job's steps: what Airflow is to be given for each. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from assets.asset import Asset, External, ModelAsset, group_of
from assets.graph import Graph
from assets.job import Job
from assets.jobs import made_by
from assets.key import Reference
from assets.step import Approve, Check, Materialize, Step, Tend, WaitFor
from dags.bridge.docs import doc_of_asset, doc_of_step
from dags.bridge.spec import ApproveSpec, AssetSpec, CheckSpec, MaterializeSpec, TaskSpec, TendSpec, WaitSpec

Uris = Mapping[str, str]
_WAITING_RETRIES = 3


def tasks_of(graph: Graph, job: Job, step: Step, uris: Uris) -> Iterator[TaskSpec]:
    """The tasks of one step, in an order that makes inputs first."""
    if isinstance(step, Approve):
        yield _approval(graph, step, uris)
        return
    if isinstance(step, WaitFor):
        does = WaitSpec(model=step.model, alias=step.alias, poll=step.poll, timeout=step.timeout)
        doc = f"Waits for {step.model}@{step.alias}."
        yield TaskSpec(id=step.name or f"wait_for_{step.alias}", does=does, retries=_WAITING_RETRIES, doc=doc)
        return
    if isinstance(step, Check):
        yield _check(graph, step)
        return
    if isinstance(step, Tend):
        tend = TendSpec(selection=step.selection, older_than=step.older_than)
        doc = f"Puts the small files of `{step.selection}` together, and removes old ones that nobody needs."
        yield TaskSpec(id=step.name or "tend", does=tend, retries=_WAITING_RETRIES, doc=doc)
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
        inlets=read_by(graph, keys, uris),
        outlets=tuple(asset_spec(asset, uris) for asset in made) if is_alone else (),
        alias=None if is_alone else f"{job.name}.{step.name or 'materialize'}",
        retries=retries(made),
        owner=next((asset.owner for asset in made if asset.owner), None),
        pool=next((asset.pool for asset in made if not isinstance(asset, External) and asset.pool), None),
        timeout=_timeout(made),
        doc=doc_of_step(graph, step.selection, keys),
    )


def reference_spec(graph: Graph, text: str, uris: Uris) -> AssetSpec:
    """The Airflow asset of an asset, or of the alias of a model."""
    return AssetSpec(name=text, uri=uris[text], group=group_of(graph.assets[Reference.parse(text).key]))


def asset_spec(asset: Asset, uris: Uris) -> AssetSpec:
    """The Airflow asset of an asset."""
    return AssetSpec(name=asset.key, uri=uris[asset.key], group=group_of(asset))


def _approval(graph: Graph, step: Approve, uris: Uris) -> TaskSpec:
    gate = graph.assets[step.model]
    who = gate.gates.get(step.alias, "human") if isinstance(gate, ModelAsset) else "human"
    return TaskSpec(
        id=step.name or f"approve_{step.alias}",
        does=ApproveSpec(model=step.model, alias=step.alias, shown=step.shown, remind=step.remind),
        outlets=(reference_spec(graph, f"{step.model}@{step.alias}", uris),),
        retries=_WAITING_RETRIES,
        owner=gate.owner,
        doc=f"Asks whether a version of `{step.model}` may become `{step.alias}`; who answers is declared as `{who}`.",
    )


def _check(graph: Graph, step: Check) -> TaskSpec:
    model = graph.assets[step.model]
    return TaskSpec(
        id=step.name or "check_drift",
        does=CheckSpec(table=step.table, model=step.model, alias=step.alias),
        retries=retries((model,)),
        owner=model.owner,
        doc=f"Compares `{step.table}` as it is now with the version that `{step.model}@{step.alias}` was trained on.",
    )


def _one_for_each(graph: Graph, keys: tuple[str, ...], step: Materialize, uris: Uris) -> Iterator[TaskSpec]:
    for key in keys:
        asset = graph.assets[key]
        yield TaskSpec(
            id=key,
            does=MaterializeSpec(keys=(key,)),
            after=tuple(sorted(graph.upstream[key] & set(keys))),
            inlets=read_by(graph, (key,), uris),
            outlets=(asset_spec(asset, uris),) if step.owns else (),
            alias=None if step.owns else key,
            retries=retries((asset,)),
            owner=asset.owner,
            pool=None if isinstance(asset, External) else asset.pool,
            timeout=_timeout((asset,)),
            doc=doc_of_asset(graph, asset),
        )


def retries(assets: Iterable[Asset]) -> int:
    """How often a task is tried again that makes these: as often as the one that says most."""
    return max((asset.retries for asset in assets if not isinstance(asset, External)), default=0)


def _timeout(assets: Iterable[Asset]) -> timedelta | None:
    """How long a task may take that makes these one after the other; None where one may take for ever."""
    each = [None if isinstance(asset, External) else asset.timeout for asset in assets]
    known = [timeout for timeout in each if timeout is not None]
    return sum(known, timedelta()) if len(known) == len(each) else None


def read_by(graph: Graph, keys: tuple[str, ...], uris: Uris) -> tuple[AssetSpec, ...]:
    """What a task reads that it does not make; a model's candidate is the model."""
    read = dict.fromkeys(reference for key in keys for reference in graph.inputs[key].values())
    names = dict.fromkeys(r.key if r.is_as_made else str(r) for r in read if r.key not in keys)
    return tuple(reference_spec(graph, name, uris) for name in names)
