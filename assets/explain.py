"""Why the plan says of one asset what it says: where it began, each cause once, and how it reached the asset. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from assets.asset import External
from assets.errors import NotChosen
from assets.graph import Graph
from assets.plan import Observed, Plan, State, Step
from assets.select import only

_LISTED = 10
"""So many names stand in a sentence before the others are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A cause that began of itself, and the assets in which it did."""

    cause: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An asset that a cause passed through, and the inputs from which it came."""

    key: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the content that stands was made from: each input as it is spelled, at the version that was read."""

    key: str
    version: int | None
    since: datetime | None
    read: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one asset is what the plan says, and its inputs before it in every list.

    `roots` and `way` tell of what is stale, missing or blocked; `first` names what is made before a missing one. `origins`
    tell of what is fresh, as far up as its inputs are still what was read.
    """

    key: str
    state: State | Literal["EXTERNAL"]
    version: int | None
    since: datetime | None
    roots: tuple[Root, ...] = ()
    way: tuple[Link, ...] = ()
    first: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()


def explain(graph: Graph, planned: Plan, observed: Observed, words: str, selection: str = "*") -> Explanation:
    """What the plan of a selection means for the one asset that the words name."""
    key = only(graph, words)
    version, since = observed.published.get(key), observed.since.get(key)
    if isinstance(graph.assets[key], External):
        return Explanation(key=key, state="EXTERNAL", version=version, since=since)
    steps = {step.key: step for step in planned.steps}
    if key not in steps:
        raise NotChosen(key, selection)
    step = steps[key]
    if step.state == "FRESH":
        origins = tuple(_origins(graph, observed, key))
        return Explanation(key=key, state=step.state, version=version, since=since, origins=origins)
    passed = _before(key, lambda other: steps[other].passed_on)
    through = [each for each in planned.steps if each.key in passed]
    return Explanation(
        key=key,
        state=step.state,
        version=version,
        since=since,
        roots=_roots(through),
        way=tuple(Link(key=each.key, reads=each.passed_on) for each in through if each.passed_on),
        first=_first(graph, planned, key) if step.state == "MISSING" else (),
    )


def _before(key: str, behind: Callable[[str], Iterable[str]]) -> set[str]:
    """A key, and all that lies behind it."""
    seen = {key}
    ahead = [key]
    while ahead:
        new = set(behind(ahead.pop())) - seen
        seen |= new
        ahead.extend(new)
    return seen


def _roots(steps: Iterable[Step]) -> tuple[Root, ...]:
    found: dict[str, list[str]] = {}
    for step in steps:
        for cause in step.own:
            found.setdefault(cause, []).append(step.key)
    return tuple(Root(cause=cause, keys=tuple(keys)) for cause, keys in found.items())


def _first(graph: Graph, planned: Plan, key: str) -> tuple[str, ...]:
    reads = _before(key, lambda other: graph.upstream[other])
    return tuple(step.key for step in planned.work if step.key in reads and step.key != key)


def _origins(graph: Graph, observed: Observed, key: str) -> Iterator[Origin]:
    def standing(other: str) -> Iterable[str]:
        """The inputs that are still what was read, so that their own stamps tell of the same content."""
        stamp = observed.stamps.get(other)
        read = stamp.reads if stamp else ()
        return [name for name, told in read if observed.now.get(name) == told.table_version]

    reached = _before(key, standing)
    for other in (name for name in graph.order if name in reached and name in observed.stamps):
        inputs = observed.stamps[other].reads
        yield Origin(
            key=other,
            version=observed.published.get(other),
            since=observed.since.get(other),
            read={f"{name}@{told.alias}" if told.alias else name: told.version for name, told in inputs},
        )


def in_words(told: Explanation) -> tuple[str, ...]:
    """The explanation as lines to read."""
    name = told.key if told.version is None else f"{told.key} v{told.version}"
    since = f" since {_at(told.since)}" if told.since else ""
    if told.state == "EXTERNAL":
        return (f"{name} is EXTERNAL{since}: another system makes it, and only its versions are looked at",)
    if told.state == "FRESH":
        return (f"{name} is FRESH{since}: its code, and what it was made from, are what they were", *_made(told))
    made = f" (made {_at(told.since)})" if told.since else ""
    lines = [f"{name}{made} is {told.state}: {_MEANING[told.state]}", _BEGAN[told.state]]
    lines += [f"  {_listed(root.keys)}: {root.cause}" for root in told.roots]
    if told.way:
        lines += [f"how that reaches {told.key}:"]
        lines += [f"  {link.key} reads {_listed(link.reads)}" for link in told.way]
    if told.first:
        lines += [f"made before it: {_listed(told.first)}"]
    return tuple(lines)


_MEANING = {"STALE": "a run makes it again", "MISSING": "a run makes it", "BLOCKED": "no run can make it now"}
_BEGAN = {"STALE": "where that begins:", "MISSING": "why:", "BLOCKED": "what is in the way:"}


def _made(told: Explanation) -> Iterator[str]:
    for origin in reversed(told.origins):
        since = f" ({_at(origin.since)})" if origin.since else ""
        read = _listed([f"{key} v{version}" for key, version in origin.read.items()]) or "nothing but its code"
        yield f"  {origin.key} v{origin.version}{since} was made from {read}"


def _at(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return f"{', '.join(every[:_LISTED])}{more}"
