"""Inputs that are older on purpose: `--at silver.x@3` holds whoever reads `silver.x` to its version 3."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from assets.asset import External, ModelAsset
from assets.errors import NotPinnable, UnknownAsset, UnknownVersion
from assets.graph import Graph
from assets.key import nearest
from assets.observe import location_of, name_of
from assets.plan import Observed, Plan
from lakehouse.errors import VersionUnreadable
from lakehouse.lake import Lake
from lakehouse.table import TableVersion
from registry.models import Models


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """The versions that inputs are held to: by key as they are named, and by reference as they are read.

    `began` has what stood at another version when the run began; it counts until the run makes it itself.
    """

    named: Mapping[str, int]
    pins: Mapping[str, TableVersion]
    began: Mapping[str, TableVersion] = field(default_factory=dict)

    def told_in(self, planned: Plan, graph: Graph) -> Plan:
        """The plan, with a note at each asset that reads an older input on purpose."""
        if not self.named:
            return planned
        steps = []
        for step in planned.steps:
            read = dict.fromkeys(r for r in map(str, graph.inputs[step.key].values()) if r in self.pins)
            notes = tuple(f"input {reference} pinned to {self.pins[reference]}" for reference in read)
            steps.append(replace(step, notes=(*step.notes, *notes)))
        return replace(planned, steps=tuple(steps))

    def held(self, observed: Observed) -> Observed:
        """What is observed by those that are held to the older versions."""
        older = {**self.began, **self.pins}
        return replace(observed, now={**observed.now, **older}) if older else observed

    def of(self, key: str, graph: Graph) -> Mapping[str, int]:
        """What an asset reads that is older on purpose, as its stamp says it."""
        read = {reference.key for reference in graph.inputs[key].values()}
        return {name: version for name, version in self.named.items() if name in read}


def resolved(texts: Iterable[str], lake: Lake, models: Models, graph: Graph, chosen: Iterable[str]) -> At:
    """The versions that the texts name; each has to exist, to be readable, and to be read by something chosen."""
    named: dict[str, int] = {}
    pins: dict[str, TableVersion] = {}
    made = [key for key in chosen if not isinstance(graph.assets[key], External)]
    for text in texts:
        named_so, version = _parsed(text)
        key = graph.by_name.get(named_so, named_so)
        if key not in graph.assets:
            raise UnknownAsset(key, nearest(key, graph.order))
        if key in named:
            raise NotPinnable(text, f"{key} is held to version {named[key]} already; name it once")
        read = {str(r) for reader in made for r in graph.inputs[reader].values() if r.key == key}
        if not read:
            readers = ", ".join(sorted(graph.downstream[key])) or "nothing"
            raise NotPinnable(text, f"nothing that is selected reads {key}; it is read by {readers}")
        pins |= dict.fromkeys(read, _found(text, key, version, lake, models, graph))
        named[key] = version
    return At(named=named, pins=pins)


def _parsed(text: str) -> tuple[str, int]:
    key, _, version = text.partition("@")
    number = version.removeprefix("v")
    if not (number.isascii() and number.isdigit()):
        raise NotPinnable(text, "wanted KEY@VERSION, as silver.orders@3")
    return key, int(number)


def _found(text: str, key: str, version: int, lake: Lake, models: Models, graph: Graph) -> TableVersion:
    asset = graph.assets[key]
    if isinstance(asset, ModelAsset):
        registered = models.versions(name_of(key))
        model = next((v for v in reversed(registered) if v.version == version), None)
        if model is None:
            raise UnknownVersion(key, version, tuple(v.version for v in registered), ())
        return TableVersion(table_id=model.model_id, version=version)
    if isinstance(asset, External) and asset.files:
        raise NotPinnable(text, f"{key} is files, of which there are no older versions; pin the table that holds them")
    location = location_of(lake, asset)
    commits = lake.history(key, location)
    commit = next((c for c in commits if c.version == version), None)
    if commit is None:
        raise UnknownVersion(key, version, tuple(c.version for c in commits), ())
    try:
        lake.check_readable(location, commit.effective)
    except VersionUnreadable as error:
        raise NotPinnable(text, error.reason) from error
    return commit.table_version
