"""Whether MLflow and the journal tell the same of every registered version."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.stamp import Stamp
from registry.aliases import read_model
from registry.door import is_missing, opened, told
from registry.journal import Told
from registry.model import ModelVersion
from registry.saving import short_table
from registry.settings import RegistrySettings
from registry.tags import PROCESS, tags_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How many versions were compared, and each difference in words."""

    versions: int
    differences: tuple[str, ...]


def agreement(settings: RegistrySettings, journal: Told) -> Agreement:
    """Compares the stamps of the journal with the tags and dataset digests of MLflow."""
    removed = {(v.name, v.model_id, v.version) for name in journal.models for v in journal.removed(name)}
    versions = [
        version
        for name in journal.models
        for version in journal.versions(name)
        if version.stamp and (version.name, version.model_id, version.version) not in removed
    ]
    if not versions:
        return Agreement(versions=0, differences=())
    found: list[str] = []
    for version in versions:
        found += _differences(settings, version)
    return Agreement(versions=len(versions), differences=tuple(found))


def _differences(settings: RegistrySettings, version: ModelVersion) -> list[str]:
    who = f"version {version.version} of {version.name!r}"
    stamp = version.stamp
    if stamp is None:
        return []
    shown = read_model(settings, version.name)
    if shown is None or shown.model_id != version.model_id:
        return [f"{who} is journaled and not in MLflow at {settings.address!r}"]
    with told(settings, f"show {who}"):
        client = opened(settings)
        with is_missing() as missing:
            tags = dict(client.get_model_version(version.name, str(version.version)).tags)
            run = client.get_run(version.run_id)
    if missing:
        return [f"{who} is journaled and not in MLflow at {settings.address!r}"]
    digests = {each.dataset.name: each.dataset.digest for each in (run.inputs.dataset_inputs if run.inputs else ())}
    differences = _tag_differences(f"a tag of {who}", stamp, tags)
    differences += _tag_differences(f"a tag of the run of {who}", stamp, run.data.tags)
    for key, read in stamp.inputs.items():
        digest = f"v{read.version}-{short_table(read.table)}"
        if key in digests and digests[key] != digest:
            differences.append(f"{who}: its stamp read {key} {digest}, and MLflow's dataset says {digests[key]}")
    return differences


def _tag_differences(whose: str, stamp: Stamp, tags: Mapping[str, str]) -> list[str]:
    return [
        f"{whose}: {name} is {tags.get(name)!r}, and its stamp says {value!r}"
        for name, value in tags_of(stamp, "").items()
        if name != PROCESS and tags.get(name) != value
    ]
