"""The plan: what is fresh, missing, stale or blocked, and why. Pure: it takes what was observed and decides."""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from assets.asset import External, Made, TableAsset
from assets.code import code_cause
from assets.graph import Graph
from assets.key import Reference, recorded
from assets.skew import Skew
from lakehouse.errors import PlatformError
from lakehouse.stamp import Stamp
from lakehouse.table import TableVersion

State = Literal["FRESH", "MISSING", "STALE", "BLOCKED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the lake, the models' journal and the landing folder hold at one moment.

    `now` has the effective version of every key that exists, and of every `key@alias` that is set. `published` has the
    version that a person would name, which is the last commit's or the newest model's. `stamps` has, for every asset that was
    ever made, the stamp that its present content stands by, `sequences` its highest sequence, `code` the present code version
    of every asset that can be made, and `untold` why there is none for an asset whose text does not tell it. `landed` has the
    contents that lie in the folder of each external of files, where none of them is still being written. `unreadable` has why
    a table, or a model, that is there cannot be looked at. `parts` has what each code version is made of, by a person's name
    for it. `since` has the time at which the present content was published.
    `unstamped` has the assets whose highest sequence no stamp tells of any more, for it was cleaned away or is broken.
    `foreign` has what to say of each table at an asset's place that no run of the asset ever wrote to.

    Where something is kept for each partition, it stands under the step's `slot`.
    """

    now: Mapping[str, TableVersion]
    stamps: Mapping[str, Stamp]
    code: Mapping[str, str]
    published: Mapping[str, int] = field(default_factory=dict)
    sequences: Mapping[str, int] = field(default_factory=dict)
    landed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unreadable: Mapping[str, PlatformError] = field(default_factory=dict)
    untold: Mapping[str, PlatformError] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    since: Mapping[str, datetime] = field(default_factory=dict)
    unstamped: Set[str] = frozenset()
    foreign: Mapping[str, PlatformError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the plan says of one asset, or of one partition of it.

    `own` are the reasons to make it that begin with it, or what blocks it. `passed_on` are the inputs that pass theirs on:
    those that will be made before it, or that are blocked themselves. `notes` and `skews` are to be known and make nothing
    stale.
    """

    key: str
    state: State
    own: tuple[str, ...] = ()
    passed_on: tuple[str, ...] = ()
    version: int | None = None
    partition: str | None = None
    notes: tuple[str, ...] = ()
    skews: tuple[Skew, ...] = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """All reasons to make it, or all that blocks it; a reason that began elsewhere only with where it came from."""
        word = "{} is blocked" if self.state == "BLOCKED" else "upstream {} will run"
        return (*self.own, *(word.format(key) for key in self.passed_on))

    @property
    def slot(self) -> str:
        """The name under which stamps and sequences are kept: one of its own for each partition."""
        return self.key if self.partition is None else f"{self.key}[{self.partition}]"

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


def plan(
    graph: Graph,
    selection: Iterable[str],
    observed: Observed,
    *,
    force: bool = False,
    pinned: Collection[str] = (),
    run: str | None = None,
) -> Plan:
    """Decides for each selected asset. Staleness passes on to the selected readers of what will be made.

    What is `pinned` is read as it was observed, whatever becomes of it. What `run` has made is not forced by it again.
    """
    chosen = set(selection)
    decided: dict[str, Step] = {}
    upstream: dict[str, Step] = {}
    for key, asset in graph.assets.items():
        if key in chosen and not isinstance(asset, External):
            decided[key] = decide(asset, graph.inputs[key], observed, upstream, force=force, run=run)
            if key not in pinned:
                upstream[key] = decided[key]
    return Plan(steps=tuple(decided.values()))


def stale(graph: Graph, observed: Observed) -> frozenset[str]:
    """What a run of everything would make."""
    return frozenset(step.key for step in plan(graph, graph.order, observed).work)


def decide(
    asset: Made,
    inputs: Mapping[str, Reference],
    observed: Observed,
    upstream: Mapping[str, Step],
    *,
    force: bool = False,
    run: str | None = None,
) -> Step:
    """What to do with one asset, given what was decided for those that it reads; `run` forces nothing that it has made."""
    key = asset.key
    step = Step(key=key, state="FRESH", version=observed.published.get(key))
    if key in observed.unreadable:
        return replace(step, state="BLOCKED", own=(str(observed.unreadable[key]),), version=None)
    if missing := [r for r in inputs.values() if not (str(r) in observed.now or _will_exist(r, upstream))]:
        return _blocked(step, missing, observed, upstream)
    if asks := _asks_its_author(asset, observed, force=force):
        return replace(step, state="BLOCKED", own=asks)
    stamp = observed.stamps.get(step.slot)
    forced = ("forced",) if force and (stamp is None or run is None or stamp.run != run) else ()
    if stamp is None:
        return replace(step, state="MISSING", own=("never made", *forced))
    if key not in observed.now:
        return replace(step, state="MISSING", own=("its table is gone", *forced))
    will_run = [r.key for r in inputs.values() if r.is_as_made and r.key in upstream and upstream[r.key].runs]
    own = (
        *_other_writer(asset, stamp),
        *_changes(stamp, inputs.values(), observed, will_run),
        *_gone(asset, stamp, observed),
        *forced,
    )
    if stamp.code != observed.code[key]:
        own = (code_cause(stamp, observed.code[key], observed.parts.get(key, {})), *own)
    if not own and not will_run:
        return step
    return replace(step, state="STALE", own=own, passed_on=tuple(dict.fromkeys(will_run)))


def _other_writer(asset: Made, stamp: Stamp) -> tuple[str, ...]:
    """A run refuses to write with another engine than the one that wrote the table; so the plan tells of it."""
    writer = stamp.extra.get("engine", getattr(asset, "engine", None))
    if not isinstance(asset, TableAsset) or writer == asset.engine:
        return ()
    return (f"written by {writer}, declared for {asset.engine}: will be refused",)


def _asks_its_author(asset: Made, observed: Observed, *, force: bool) -> tuple[str, ...]:
    """Code without a version; a table of others in its place; an append that could add its rows once more."""
    if asset.key in observed.untold:
        return (str(observed.untold[asset.key]),)
    if asset.key in observed.foreign and not force:
        return (str(observed.foreign[asset.key]),)
    if force or not isinstance(asset, TableAsset) or asset.write != "append" or asset.key not in observed.unstamped:
        return ()
    last = observed.sequences[asset.key]
    told = f"no stamp tells any more what its append number {last} took in, so that a run may add it once more"
    return (f"{told}; --force adds all that is not known to be there",)


def _gone(asset: Made, stamp: Stamp, observed: Observed) -> tuple[str, ...]:
    """Files whose rows a replaced table holds, and that no longer lie there; one that is added to keeps its rows."""
    if isinstance(asset, TableAsset) and asset.write != "replace":
        return ()
    told = {key: read.extra.get("files") for key, read in stamp.inputs.items() if key in observed.landed}
    gone = {key: len(set(files) - observed.landed[key]) for key, files in told.items() if isinstance(files, dict)}
    return tuple(f"input {key}: {count} files gone" for key, count in gone.items() if count)


def _blocked(step: Step, missing: Iterable[Reference], observed: Observed, upstream: Mapping[str, Step]) -> Step:
    own, passed_on = [], []
    for reference in missing:
        before = upstream.get(reference.key)
        if before is not None and before.state == "BLOCKED" and reference.is_as_made:
            passed_on.append(reference.key)
        elif reference.key in observed.unreadable:
            own.append(f"{reference.key} cannot be read: {observed.unreadable[reference.key]}")
        elif reference.alias is not None:
            own.append(f"no version of {reference.key} has the alias {reference.alias}")
        else:
            own.append(f"{reference.key} does not exist yet")
    return replace(step, state="BLOCKED", own=tuple(dict.fromkeys(own)), passed_on=tuple(dict.fromkeys(passed_on)))


def _will_exist(reference: Reference, upstream: Mapping[str, Step]) -> bool:
    step = upstream.get(reference.key)
    return step is not None and step.runs and reference.is_as_made


def _changes(
    stamp: Stamp, inputs: Iterable[Reference], observed: Observed, will_run: Collection[str]
) -> tuple[str, ...]:
    """What is other than the stamp says, but for inputs that will be made: what they will be is not known yet."""
    causes = []
    wanted = recorded(inputs)
    told = {
        name: Reference(key=key, alias=read.alias) for name, (key, read) in zip(stamp.inputs, stamp.reads, strict=True)
    }
    by_reference = {reference: stamp.inputs[name] for name, reference in told.items()}
    for reference, name in wanted.items():
        read = by_reference.get(reference) or stamp.inputs.get(name)
        if reference.key in will_run and reference.is_as_made:
            continue
        if read is None:
            causes.append(f"input added {reference}")
        elif (now := observed.now[str(reference)]) != read.table_version:
            another = "" if now.table_id == read.table else " (another table)"
            word = "input" if reference.alias is None else "alias"
            causes.append(f"{word} {reference} {read.table_version} -> {now}{another}")
        elif read.alias != reference.alias:
            causes.append(f"input {reference.key}@{read.alias} -> {reference}")
    removed = (told[name] for name in told if told[name] not in wanted and name not in wanted.values())
    return (*causes, *(f"input removed {reference}" for reference in removed))
