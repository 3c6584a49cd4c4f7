"""Looks at the lake, the models' journal and the landing folder once, and says what is there."""

from collections.abc import Mapping
from dataclasses import dataclass

from assets.asset import External, ModelAsset
from assets.code import code_version
from assets.graph import Graph, made_keys
from assets.plan import Observed
from lakehouse import landing
from lakehouse.history import Commit, last_stamped
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

    `landings` holds what lies in the folder of each external of files, `taken` the files that each asset has taken in.
    """

    observed: Observed
    landings: Mapping[str, Landing]
    taken: Mapping[str, Mapping[str, LandedFile]]


def observe(lake: Lake, models: Models, graph: Graph) -> Snapshot:
    """What exists of a graph's assets now; asks no engine and no MLflow."""
    now: dict[str, TableVersion] = {}
    stamps: dict[str, Stamp] = {}
    published: dict[str, int] = {}
    taken: dict[str, dict[str, LandedFile]] = {}
    for key, asset in graph.assets.items():
        if isinstance(asset, ModelAsset):
            _observe_model(models, key, now, stamps, published)
        elif not isinstance(asset, External) or asset.table:
            commits = lake.history(key, location_of(lake, asset) if isinstance(asset, External) else None)
            if commits:
                now[key], published[key] = commits[-1].table_version, commits[-1].version
            if (last := last_stamped(commits, key)) and last.stamp:
                stamps[key] = last.stamp
            taken[key] = taken_files(commits, key)
    landings = {
        key: landing.observe(
            lake.settings.landing, asset.files, [f for files in taken.values() for f in files.values()]
        )
        for key, asset in graph.assets.items()
        if isinstance(asset, External) and asset.files
    }
    for key, seen in landings.items():
        contents = {file.content for file in seen.files}
        contents |= {content for reader in graph.downstream[key] for content in taken.get(reader, {})}
        if contents:
            now[key] = TableVersion(table_id=FILES, version=len(contents))
            published[key] = len(contents)
    for reference in {str(r): r for read in graph.inputs.values() for r in read.values() if r.alias}.values():
        if held := models.alias(name_of(reference.key), str(reference.alias)):
            now[str(reference)] = TableVersion(table_id=held.model_id, version=held.version)
    code = {
        key: code_version(asset) for key in made_keys(graph) if not isinstance(asset := graph.assets[key], External)
    }
    return Snapshot(
        observed=Observed(now=now, stamps=stamps, code=code, published=published), landings=landings, taken=taken
    )


def taken_files(commits: tuple[Commit, ...], key: str) -> dict[str, LandedFile]:
    """The files that an asset's own stamps say were taken in or set aside, by content."""
    files: dict[str, LandedFile] = {}
    for commit in commits:
        if commit.stamp and commit.stamp.asset == key:
            for read in commit.stamp.inputs.values():
                files |= _files_in(read)
    return files


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


def _observe_model(
    models: Models, key: str, now: dict[str, TableVersion], stamps: dict[str, Stamp], published: dict[str, int]
) -> None:
    made = [version for version in models.versions(name_of(key)) if version.stamp and version.stamp.asset == key]
    if made:
        newest = made[-1]
        now[key] = TableVersion(table_id=newest.model_id, version=newest.version)
        published[key] = newest.version
        if newest.stamp:
            stamps[key] = newest.stamp


def _files_in(read: InputVersion) -> dict[str, LandedFile]:
    files = read.extra.get("files")
    if read.table != FILES or not isinstance(files, dict):
        return {}
    return {
        content: LandedFile(name=told["name"], content=content, size=told["size"], changed=told["changed"])
        for content, told in files.items()
    }
