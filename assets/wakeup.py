"""What woke a run that has tasks of its own elsewhere, and the versions that all its tasks read, also when tried again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from assets.asset import External, ModelAsset
from assets.graph import Graph
from assets.key import Reference, recorded
from assets.observe import location_of, name_of
from assets.plan import Observed
from lakehouse.history import Commit
from lakehouse.lake import Lake
from lakehouse.table import TableVersion
from registry.journal import Told
from registry.models import Models


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeUp:
    """A run of several tasks: its name, when it began, and what it was told of.

    `told` has the versions that it was woken by, by key. `waited` has the versions that it waited for, by `model@alias`.
    """

    run: str
    began: datetime
    told: Mapping[str, int] = field(default_factory=dict)
    waited: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A version of an input, and the time at which it came to stand; `own` tells whether the run itself made it so."""

    version: TableVersion
    number: int
    at: datetime
    own: bool


def as_of(
    wakeup: WakeUp, lake: Lake, models: Models, graph: Graph, chosen: Iterable[str], observed: Observed
) -> Mapping[str, TableVersion]:
    """The inputs of what is chosen that stand at another version by now than the run reads, by reference.

    A run reads what was there when it began, or what its own tasks have made since; and nothing older than what it was told
    of, or than what others have meanwhile made its assets from, so that none is ever made from older inputs again.
    """
    journal = Told(events=models.events())
    found = {}
    for reference, read_before in _reads(graph, chosen, observed).items():
        source = graph.assets[reference.key]
        if str(reference) not in observed.now or (isinstance(source, External) and source.files):
            continue
        if isinstance(source, ModelAsset):
            places = _of_model(journal, reference, wakeup.run)
        else:
            places = _of_table(lake.history(reference.key, location_of(lake, source)), wakeup.run)
        held = _held(places, wakeup, reference, read_before)
        if held is not None and held != observed.now[str(reference)]:
            found[str(reference)] = held
    return found


def _reads(graph: Graph, chosen: Iterable[str], observed: Observed) -> Mapping[Reference, set[TableVersion]]:
    """What is read, and the versions of it that the present content was made from."""
    found: dict[Reference, set[TableVersion]] = {}
    for key in chosen:
        stamp = observed.stamps.get(key)
        for reference, name in recorded(graph.inputs[key].values()).items():
            before = found.setdefault(reference, set())
            if stamp is not None and name in stamp.inputs:
                before.add(stamp.inputs[name].table_version)
    return found


def _held(
    places: Sequence[_Place], wakeup: WakeUp, reference: Reference, read_before: set[TableVersion]
) -> TableVersion | None:
    waited, told = wakeup.waited.get(str(reference)), wakeup.told.get(str(reference))
    known = [
        number
        for number, place in enumerate(places)
        if (waited is None and (place.at <= wakeup.began or place.own))
        or place.number in {waited, told}
        or place.version in read_before
    ]
    return places[known[-1] if known else 0].version if places else None


def _of_table(commits: Iterable[Commit], run: str) -> tuple[_Place, ...]:
    return tuple(
        _Place(
            version=commit.table_version,
            number=commit.version,
            at=commit.at,
            own=commit.stamp is not None and commit.stamp.run == run,
        )
        for commit in commits
    )


def _of_model(journal: Told, reference: Reference, run: str) -> tuple[_Place, ...]:
    name = name_of(reference.key)
    found: list[_Place] = []
    for number, event in enumerate(journal.of(name)):
        if reference.alias is None:
            standing = event.model_version if event.event == "registered" else None
        else:
            standing = replace(journal, events=journal.of(name)[: number + 1]).aliases(name).get(reference.alias)
        if standing is not None:
            version = TableVersion(table_id=standing.model_id, version=standing.version)
            own = event.stamp is not None and event.stamp.run == run
            found.append(_Place(version=version, number=standing.version, at=event.at, own=own))
    return tuple(found)
