"""Looks at the lake, the models' journal and the landing folder once, and says what is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assets.asset import External, ModelAsset
from assets.code import code_version
from assets.graph import Graph
from assets.plan import Observed
from lakehouse import landing
from lakehouse.history import Commit, last_stamped, live_commits
from lakehouse.lake import Lake
from lakehouse.landing import LandedFile, Landing
from lakehouse.stamp import InputVersion, Stamp
from lakehouse.table import Location, TableVersion
from registry.models import Models

FILES = "files"
"""The table id of an external that is files; its version counts the different contents that were ever seen."""


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
    since: dict[str, datetime] = field(default_factory=dict)
    taken: dict[str, dict[str, dict[str, LandedFile]]] = field(default_factory=dict)
    held: dict[str, dict[str, LandedFile]] = field(default_factory=dict)


def observe(lake: Lake, models: Models, graph: Graph) -> Snapshot:
    """What exists of a graph's assets now; asks no engine and no MLflow."""
    found = _Found()
    for key, asset in graph.assets.items():
        if isinstance(asset, ModelAsset):
            _observe_model(found, models, key)
        elif not isinstance(asset, External) or asset.table:
            _observe_table(found, lake, key, location_of(lake, asset) if isinstance(asset, External) else None)
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
        if named := models.alias(name_of(reference.key), str(reference.alias)):
            found.now[str(reference)] = TableVersion(table_id=named.model_id, version=named.version)
    observed = Observed(
        now=found.now,
        stamps=found.stamps,
        sequences=found.sequences,
        published=found.published,
        since=found.since,
        code={key: code_version(asset) for key, asset in graph.assets.items() if not isinstance(asset, External)},
        landed={key: frozenset(f.content for f in seen.files) for key, seen in landings.items() if not seen.growing},
    )
    return Snapshot(observed=observed, landings=landings, taken=found.held)


def _observe_table(found: _Found, lake: Lake, key: str, location: Location | None) -> None:
    commits = lake.history(key, location)
    if commits:
        found.now[key], found.published[key] = commits[-1].table_version, commits[-1].version
        found.since[key] = commits[-1].at
    live = live_commits(commits)[-1] if commits else ()
    if (last := last_stamped(commits, key)) and last.stamp:
        found.sequences[key] = last.stamp.sequence
    if (stands := last_stamped(live, key)) and stands.stamp:
        found.stamps[key], found.since[key] = stands.stamp, stands.at
    found.taken[key] = taken_files(commits, key)
    found.held[key] = files_of_all(taken_files(live, key))


def _ever_seen(
    lake: Lake, landings: Mapping[str, Landing], taken: Mapping[str, Mapping[str, Mapping[str, LandedFile]]]
) -> dict[str, set[str]]:
    """The contents that lie in each landing folder, or that any table of the lake was ever made from."""
    if not landings:
        return {}
    others = [taken_files(lake.history(table), table) for table in lake.tables() if table not in taken]
    return {
        key: {file.content for file in seen.files}.union(*(files.get(key, {}) for files in (*taken.values(), *others)))
        for key, seen in landings.items()
    }


def taken_files(commits: Iterable[Commit], key: str, *, with_rejected: bool = True) -> dict[str, dict[str, LandedFile]]:
    """The files that an asset's own stamps say were taken in or set aside, by content, for each input."""
    files: dict[str, dict[str, LandedFile]] = {}
    for commit in commits:
        if commit.stamp and commit.stamp.asset == key:
            for name, read in commit.stamp.inputs.items():
                found = _files_in(read)
                rejected = () if with_rejected else rejected_in(read)
                files.setdefault(name, {}).update((c, file) for c, file in found.items() if c not in rejected)
    return files


def files_of_all(by_input: Mapping[str, Mapping[str, LandedFile]]) -> dict[str, LandedFile]:
    """The files of all inputs together."""
    return {content: file for files in by_input.values() for content, file in files.items()}


def rejected_in(read: InputVersion) -> Mapping[str, str]:
    """The contents that were set aside, and why."""
    rejected = read.extra.get("rejected")
    return rejected if isinstance(rejected, dict) else {}


def files_extra(files: tuple[LandedFile, ...], rejected: Mapping[str, str]) -> Mapping[str, object]:
    """What a stamp says of the files that its commit took in."""
    return {
        "files": {f.content: {"name": f.name, "size": f.size, "changed": f.changed} for f in files},
        "rejected": {f.content: rejected[f.content] for f in files if f.content in rejected},
    }


def name_of(key: str) -> str:
    """The name under which MLflow knows a model."""
    return key.split(".")[1]


def location_of(lake: Lake, asset: External) -> Location:
    """Where a foreign table is: its address, or a path below the lake's root."""
    address = str(asset.table)
    return Location(uri=address) if "://" in address or address.startswith("/") else lake.settings.root.child(address)


def _observe_model(found: _Found, models: Models, key: str) -> None:
    made = [version for version in models.versions(name_of(key)) if version.stamp and version.stamp.asset == key]
    if made:
        newest = made[-1]
        found.now[key] = TableVersion(table_id=newest.model_id, version=newest.version)
        found.published[key], found.since[key] = newest.version, newest.at
        if newest.stamp:
            found.stamps[key], found.sequences[key] = newest.stamp, newest.stamp.sequence


def _files_in(read: InputVersion) -> dict[str, LandedFile]:
    files = read.extra.get("files")
    if read.table != FILES or not isinstance(files, dict):
        return {}
    return {
        content: LandedFile(name=told["name"], content=content, size=told["size"], changed=told["changed"])
        for content, told in files.items()
    }
