"""Looks at the lake, the models' journal and the landing folder once, and says what is there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assets.asset import Asset, External, ModelAsset, TableAsset
from assets.code import CodeVersion, code_versions
from assets.errors import ForeignTable
from assets.graph import Graph
from assets.plan import Observed
from lakehouse import landing
from lakehouse.errors import LogUnreadable, PlatformError
from lakehouse.lake import Lake
from lakehouse.landing import LandedFile, Landing
from lakehouse.present import Present
from lakehouse.stamp import Stamp
from lakehouse.table import Location, TableVersion
from lakehouse.taken import FILES, files_of_all
from registry.models import Models


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One look at everything: what the plan decides from, and what a run reads.

    `landings` holds what lies in the folder of each external of files, `taken` the files whose rows each asset holds.
    """

    observed: Observed
    landings: Mapping[str, Landing]
    taken: Mapping[str, Mapping[str, LandedFile]]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found so far, by key; `taken` by asset, input and content, `held` without what a RESTORE undid."""

    now: dict[str, TableVersion] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    unstamped: set[str] = field(default_factory=set)
    unreadable: dict[str, PlatformError] = field(default_factory=dict)
    foreign: dict[str, PlatformError] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    taken: dict[str, Mapping[str, Mapping[str, LandedFile]]] = field(default_factory=dict)
    held: dict[str, Mapping[str, LandedFile]] = field(default_factory=dict)


def observe(lake: Lake, models: Models, graph: Graph) -> Snapshot:
    """What exists of a graph's assets now; asks no engine and no MLflow."""
    found = _Found()
    places = _places(lake, graph.assets)
    for key, table in lake.presents(places).items():
        _note_table(found, key, table)
        if isinstance(graph.assets[key], TableAsset) and isinstance(table, Present) and not table.sequence:
            found.foreign[key] = ForeignTable(key, places[key].uri)
    for key, asset in graph.assets.items():
        if isinstance(asset, ModelAsset):
            _observe_model(found, models, key)
    known = [file for files in found.taken.values() for file in files_of_all(files).values()]
    landings = {
        key: landing.observe(lake.settings.landing, asset.files, known)
        for key, asset in graph.assets.items()
        if isinstance(asset, External) and asset.files
    }
    for key, contents in _ever_seen(lake, landings, found.taken).items():
        if contents:
            found.now[key] = TableVersion(table_id=FILES, version=len(contents))
            found.published[key] = len(contents)
    for reference in {str(r): r for read in graph.inputs.values() for r in read.values() if r.alias}.values():
        if reference.key in found.unreadable:
            continue
        if named := models.alias(name_of(reference.key), str(reference.alias)):
            found.now[str(reference)] = TableVersion(table_id=named.model_id, version=named.version)
    versions = code_versions(asset for asset in graph.assets.values() if not isinstance(asset, External))
    observed = Observed(
        now=found.now,
        stamps=found.stamps,
        sequences=found.sequences,
        published=found.published,
        unstamped=found.unstamped,
        unreadable=found.unreadable,
        foreign=found.foreign,
        since=found.since,
        code={key: made.version for key, made in versions.items() if isinstance(made, CodeVersion)},
        parts={key: made.parts for key, made in versions.items() if isinstance(made, CodeVersion)},
        untold={key: error for key, error in versions.items() if isinstance(error, PlatformError)},
        landed={key: frozenset(f.content for f in seen.files) for key, seen in landings.items() if not seen.growing},
    )
    return Snapshot(observed=observed, landings=landings, taken=found.held)


def _places(lake: Lake, assets: Mapping[str, Asset]) -> dict[str, Location]:
    """Where each table of a graph is."""
    tables = {key: asset for key, asset in assets.items() if not isinstance(asset, ModelAsset)}
    return {
        key: location_of(lake, asset) for key, asset in tables.items() if not isinstance(asset, External) or asset.table
    }


def _note_table(found: _Found, key: str, table: Present | PlatformError) -> None:
    if isinstance(table, PlatformError):
        found.unreadable[key] = table
        return
    found.now[key], found.published[key], found.since[key] = table.table, table.version, table.since
    if table.sequence:
        found.sequences[key] = table.sequence
        if table.is_untold:
            found.unstamped.add(key)
    if table.stands:
        found.stamps[key] = table.stands
    found.taken[key], found.held[key] = table.taken, table.held


def _ever_seen(
    lake: Lake, landings: Mapping[str, Landing], taken: Mapping[str, Mapping[str, Mapping[str, LandedFile]]]
) -> dict[str, set[str]]:
    """The contents that lie in each landing folder, or that any table of the lake was ever made from."""
    if not landings:
        return {}
    places = {table: lake.location(table) for table in lake.tables() if table not in taken}
    others = [table.taken for table in lake.presents(places).values() if isinstance(table, Present)]
    return {
        key: {file.content for file in seen.files}.union(*(files.get(key, {}) for files in (*taken.values(), *others)))
        for key, seen in landings.items()
    }


def files_extra(files: tuple[LandedFile, ...], rejected: Mapping[str, str]) -> Mapping[str, object]:
    """What a stamp says of the files that its commit took in."""
    return {
        "files": {f.content: {"name": f.name, "size": f.size, "changed": f.changed} for f in files},
        "rejected": {f.content: rejected[f.content] for f in files if f.content in rejected},
    }


def name_of(key: str) -> str:
    """The name under which MLflow knows a model."""
    return key.split(".")[1]


def location_of(lake: Lake, asset: Asset) -> Location:
    """Where a table is; a foreign one at its address, or at a path below the lake's root."""
    return lake.settings.located(str(asset.table)) if isinstance(asset, External) else lake.location(asset.key)


def _observe_model(found: _Found, models: Models, key: str) -> None:
    try:
        versions = models.versions(name_of(key))
    except LogUnreadable as error:
        found.unreadable[key] = error
        return
    made = [version for version in versions if version.stamp and version.stamp.asset == key]
    if made:
        newest = made[-1]
        found.now[key] = TableVersion(table_id=newest.model_id, version=newest.version)
        found.published[key], found.since[key] = newest.version, newest.at
        if newest.stamp:
            found.stamps[key], found.sequences[key] = newest.stamp, newest.stamp.sequence
