"""The plan: what is fresh, missing, stale or blocked, and why. Pure: it takes what was observed and decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from assets.asset import External, Made, TableAsset
from assets.graph import Graph
from assets.key import Reference
from lakehouse.stamp import Stamp
from lakehouse.table import TableVersion

State = Literal["FRESH", "MISSING", "STALE", "BLOCKED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the lake, the models' journal and the landing folder hold at one moment.

    `now` has the effective version of every key that exists, and of every `key@alias` that is set. `published` has the
    version that a person would name, which is the last commit's or the newest model's. `stamps` has, for every asset that was
    ever made, the stamp that its present content stands by, `sequences` its highest sequence, `code` the present code version
    of every asset that can be made. `landed` has the contents that lie in the folder of each external of files, where none of
    them is still being written.
    """

    now: Mapping[str, TableVersion]
    stamps: Mapping[str, Stamp]
    code: Mapping[str, str]
    published: Mapping[str, int] = field(default_factory=dict)
    sequences: Mapping[str, int] = field(default_factory=dict)
    landed: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the plan says of one asset. `causes` are the reasons to make it, or what blocks it."""

    key: str
    state: State
    causes: tuple[str, ...]
    version: int | None

    @property
    def runs(self) -> bool:
        """Whether a run makes it."""
        return self.state in {"MISSING", "STALE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in an order that makes inputs first."""

    steps: tuple[Step, ...]

    @property
    def work(self) -> tuple[Step, ...]:
        """The steps that a run takes."""
        return tuple(step for step in self.steps if step.runs)


def plan(graph: Graph, selection: Iterable[str], observed: Observed, *, force: bool = False) -> Plan:
    """Decides for each selected asset. Staleness passes on to the selected readers of what will be made."""
    chosen = set(selection)
    decided: dict[str, Step] = {}
    for key, asset in graph.assets.items():
        if key in chosen and not isinstance(asset, External):
            decided[key] = decide(asset, graph.inputs[key], observed, decided, force=force)
    return Plan(steps=tuple(decided.values()))


def decide(
    asset: Made,
    inputs: Mapping[str, Reference],
    observed: Observed,
    upstream: Mapping[str, Step],
    *,
    force: bool = False,
) -> Step:
    """What to do with one asset, given what was decided for those that it reads."""
    key = asset.key
    will_run = {name for name, step in upstream.items() if step.runs}
    version = observed.published.get(key)
    if blocks := _blocks(inputs.values(), observed, upstream):
        return Step(key=key, state="BLOCKED", causes=blocks, version=version)
    stamp = observed.stamps.get(key)
    forced = ("forced",) if force else ()
    if stamp is None:
        return Step(key=key, state="MISSING", causes=("never made", *forced), version=version)
    if key not in observed.now:
        return Step(key=key, state="MISSING", causes=("its table is gone", *forced), version=version)
    causes = (
        *_other_writer(asset, stamp),
        *_changes(stamp, inputs.values(), observed, will_run),
        *_gone(asset, stamp, observed),
        *forced,
    )
    if stamp.code != observed.code[key]:
        causes = ("code", *causes)
    return Step(key=key, state="STALE" if causes else "FRESH", causes=causes, version=version)


def _other_writer(asset: Made, stamp: Stamp) -> tuple[str, ...]:
    """A run refuses to write with another engine than the one that wrote the table; so the plan tells of it."""
    writer = stamp.extra.get("engine", getattr(asset, "engine", None))
    if not isinstance(asset, TableAsset) or writer == asset.engine:
        return ()
    return (f"written by {writer}, declared for {asset.engine}: will be refused",)


def _gone(asset: Made, stamp: Stamp, observed: Observed) -> tuple[str, ...]:
    """Files whose rows a replaced table holds, and that no longer lie there; one that is added to keeps its rows."""
    if isinstance(asset, TableAsset) and asset.write != "replace":
        return ()
    told = {key: read.extra.get("files") for key, read in stamp.inputs.items() if key in observed.landed}
    gone = {key: len(set(files) - observed.landed[key]) for key, files in told.items() if isinstance(files, dict)}
    return tuple(f"input {key}: {count} files gone" for key, count in gone.items() if count)


def _blocks(inputs: Iterable[Reference], observed: Observed, upstream: Mapping[str, Step]) -> tuple[str, ...]:
    blocks = []
    for reference in inputs:
        if str(reference) in observed.now or _will_exist(reference, upstream):
            continue
        if reference.alias is not None:
            blocks.append(f"no version of {reference.key} has the alias {reference.alias}")
        elif reference.key in upstream:
            blocks.append(f"{reference.key} is blocked")
        else:
            blocks.append(f"{reference.key} does not exist yet")
    return tuple(dict.fromkeys(blocks))


def _will_exist(reference: Reference, upstream: Mapping[str, Step]) -> bool:
    step = upstream.get(reference.key)
    return step is not None and step.runs and reference.alias in {None, "candidate"}


def _changes(stamp: Stamp, inputs: Iterable[Reference], observed: Observed, will_run: set[str]) -> tuple[str, ...]:
    causes = []
    wanted = {reference.key: reference for reference in inputs}
    for key, reference in wanted.items():
        read = stamp.inputs.get(key)
        if key in will_run and reference.alias in {None, "candidate"}:
            causes.append(f"upstream {key} will run")
        elif read is None:
            causes.append(f"input added {reference}")
        elif (now := observed.now[str(reference)]) != read.table_version:
            another = "" if now.table_id == read.table else " (another table)"
            word = "input" if reference.alias is None else "alias"
            causes.append(f"{word} {reference} {read.table_version} -> {now}{another}")
        elif read.alias != reference.alias:
            causes.append(f"input {key}@{read.alias} -> {reference}")
    return (*causes, *(f"input removed {key}" for key in stamp.inputs if key not in wanted))
