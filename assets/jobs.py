"""The jobs of a graph: a value, valid once it exists."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from assets.asset import External, ModelAsset, TableAsset
from assets.errors import BadOption, BadSelection, NoAssetHas, UnknownAsset, Where
from assets.graph import Graph
from assets.job import Job
from assets.key import OWN_TABLES, Reference, nearest
from assets.select import select
from assets.step import Approve, Check, Gated, Materialize, Tend, WaitFor

RECONCILER = "lakeline_reconciler"
"""The DAG that is Lakeline's own, beside those of jobs."""


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Jobs by name, and the job that owns each asset which one owns.

    Built by `Jobs.of`, which refuses second owners, names that no asset has and selections of nothing.
    """

    jobs: Mapping[str, Job]
    owners: Mapping[str, str]

    @classmethod
    def of(cls, graph: Graph, declared: Iterable[Job]) -> "Jobs":
        """The declared jobs."""
        jobs: dict[str, Job] = {}
        owners: dict[str, str] = {}
        for job in declared:
            if job.name == RECONCILER:
                raise BadOption(
                    job.where, "the name of a job", repr(job.name), "another: Lakeline's own DAG has this one"
                )
            if job.name in jobs:
                found = f"{job.name!r} again, and first at {jobs[job.name].where}"
                raise BadOption(job.where, "the name of a job", found, "a name of its own")
            jobs[job.name] = job
            _check_schedule(graph, job)
            for key in _owned(graph, job):
                if key in owners:
                    found = f"{key} again, which {owners[key]!r} makes, declared at {jobs[owners[key]].where}"
                    wanted = "assets that no other job makes; 'owns=False' only sees to it that they are fresh"
                    raise BadOption(job.where, f"a selection of the job {job.name!r}", found, wanted)
                owners[key] = job.name
        return cls(jobs=MappingProxyType(jobs), owners=MappingProxyType(owners))


def made_by(graph: Graph, job: Job, step: Materialize) -> tuple[str, ...]:
    """The keys of what a step makes, inputs first."""
    return makes(graph, step.selection, job.where, f"a selection of the job {job.name!r}")


def makes(graph: Graph, selection: str, where: Where, told: str) -> tuple[str, ...]:
    """The keys of what a selection makes, inputs first; one that cannot be read, or makes nothing, is told by its place."""
    try:
        found = [key for key in select(graph, selection) if not isinstance(graph.assets[key], External)]
    except (BadSelection, UnknownAsset, NoAssetHas) as error:
        raise BadOption(where, told, repr(selection), f"one that the graph can answer: {error}") from error
    if not found:
        raise BadOption(where, told, f"{selection!r}, with nothing that is made", "one with a table or a model of ours")
    return tuple(found)


def check_reference(graph: Graph, text: str, where: Where, told: str) -> None:
    """Refuses what is neither the key of an asset nor the alias of a model that a gate opens."""
    reference = Reference.parse(text)
    key, asset = reference.key, graph.assets.get(reference.key)
    if asset is None:
        close = nearest(key, graph.assets)
        wanted = f"the key of an asset; did you mean {' or '.join(close)}?" if close else "the key of an asset"
        raise BadOption(where, told, repr(text), wanted)
    if reference.alias is not None and not (isinstance(asset, ModelAsset) and reference.alias in get_args(Gated)):
        wanted = f"the key of an asset, or a model's with an alias: {' or '.join(get_args(Gated))}"
        raise BadOption(where, told, repr(text), wanted)


def _owned(graph: Graph, job: Job) -> Iterator[str]:
    for step in job.steps:
        if isinstance(step, WaitFor):
            _check_model(graph, job, step.model, "waits for")
        if isinstance(step, Approve):
            _check_shown(graph, job, step)
        if isinstance(step, Check):
            _check_compared(graph, job, step)
        if isinstance(step, Tend) and step.selection not in OWN_TABLES:
            makes(graph, step.selection, job.where, f"what the job {job.name!r} tends")
        if not isinstance(step, Materialize):
            continue
        keys = made_by(graph, job, step)
        if step.owns:
            yield from keys


def _check_model(graph: Graph, job: Job, model: str, does: str) -> None:
    if not isinstance(graph.assets.get(model), ModelAsset):
        models = [key for key, asset in graph.assets.items() if isinstance(asset, ModelAsset)]
        wanted = f"the key of a model ({', '.join(nearest(model, models) or models) or 'there is none'})"
        raise BadOption(job.where, f"the model that {job.name!r} {does}", repr(model), wanted)


def _check_shown(graph: Graph, job: Job, step: Approve) -> None:
    """Refuses a table that the model has predicted nothing of."""
    _check_model(graph, job, step.model, "asks about")
    shown = step.shown.table if step.shown else None
    if shown is not None and not any(read.key == step.model for read in graph.inputs.get(shown, {}).values()):
        wanted = f"the key of a table that reads {step.model}"
        raise BadOption(job.where, f"the table that {job.name!r} shows", repr(shown), wanted)


def _check_compared(graph: Graph, job: Job, step: Check) -> None:
    """Refuses a table that the model is not trained on: it has no version to be compared with."""
    _check_model(graph, job, step.model, "checks")
    read = [reference.key for reference in graph.inputs[step.model].values() if is_table(graph, reference.key)]
    if step.table not in read:
        close = nearest(step.table, read)
        told = f"; did you mean {' or '.join(close)}?" if close else ""
        wanted = f"a table that {step.model} is trained on ({', '.join(read) or 'there is none'}){told}"
        raise BadOption(job.where, f"the table that {job.name!r} checks", repr(step.table), wanted)


def is_table(graph: Graph, key: str) -> bool:
    """Whether a key is that of a Delta table, ours or another's."""
    asset = graph.assets.get(key)
    return isinstance(asset, TableAsset) or (isinstance(asset, External) and asset.table is not None)


def _check_schedule(graph: Graph, job: Job) -> None:
    for text in job.on_update.assets if job.on_update else ():
        check_reference(graph, text, job.where, f"what the job {job.name!r} is started by")
