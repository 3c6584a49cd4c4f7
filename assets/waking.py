"""Which jobs are to be started for what the log says is stale, and for models that wait to be reviewed. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from assets.asset import External
from assets.graph import Graph
from assets.jobs import Jobs
from assets.plan import Observed, Step, plan
from assets.review import Waiting
from assets.step import Approve

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=5), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waking:
    """A job to be started, why, and a name that is the same as long as the causes are.

    `asks` is the question that it is started for, where it is one.
    """

    job: str
    causes: tuple[str, ...]
    id: str
    asks: Waiting | None = None


def wakings(jobs: Jobs, graph: Graph, observed: Observed, waiting: Iterable[Waiting]) -> tuple[Waking, ...]:
    """One for each job that owns something stale, where it began, or that asks for what nobody has answered.

    What only follows from the staleness of something that a job will make is left to the news of that. An asset that is to be
    made by hand starts nothing, and nothing waits for it.
    """
    found: dict[str, list[tuple[str, object]]] = {}
    eager = [key for key in graph.order if key in jobs.owners and _is_eager(graph, key)]
    work = {step.key: step for step in plan(graph, eager, observed).work}
    for key, step in work.items():
        if not any(reference.is_as_made and reference.key in work for reference in graph.inputs[key].values()):
            cause = (f"{key}: {', '.join(step.causes)}", _wanted(step, graph, observed))
            found.setdefault(jobs.owners[key], []).append(cause)
    stale = tuple(
        Waking(job=job, causes=tuple(text for text, _ in causes), id=_digest(job, causes))
        for job, causes in found.items()
    )
    return (*stale, *_unanswered(jobs, waiting))


def pause(failures: int) -> timedelta:
    """How long a cause rests after its job has failed for it so many times: twice as long each time, for a day at most.

    >>> [str(pause(failures)) for failures in (1, 2, 20)]
    ['0:05:00', '0:10:00', '1 day, 0:00:00']
    """
    return min(_FIRST_PAUSE * (1 << min(failures - 1, 20)), _LONGEST_PAUSE)


def _is_eager(graph: Graph, key: str) -> bool:
    asset = graph.assets[key]
    return not isinstance(asset, External) and asset.automation == "eager"


def _wanted(step: Step, graph: Graph, observed: Observed) -> object:
    """What the next version would be made from, and after which one."""
    reads = {str(reference): str(observed.now.get(str(reference))) for reference in graph.inputs[step.key].values()}
    return [step.slot, observed.code.get(step.key), reads, observed.sequences.get(step.slot, 0)]


def _unanswered(jobs: Jobs, waiting: Iterable[Waiting]) -> Iterator[Waking]:
    asked = {(w.model, w.alias): w for w in waiting}
    for name, job in jobs.jobs.items():
        for step in job.steps:
            found = asked.get((step.model, step.alias)) if isinstance(step, Approve) else None
            if found is not None:
                text = f"version {found.version} of {found.model} waits to become {found.alias}"
                cause = (text, [found.model, found.model_id, found.alias, found.version])
                yield Waking(job=name, causes=(text,), id=_digest(name, [cause]), asks=found)


def _digest(job: str, causes: Iterable[tuple[str, object]]) -> str:
    told: Mapping[str, object] = {"job": job, "causes": [list(cause) for cause in causes]}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
