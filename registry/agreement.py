"""Whether MLflow and the journal tell the same of every registered version."""

from dataclasses import dataclass

from registry.aliases import read_model
from registry.door import is_missing, opened, told
from registry.journal import Told
from registry.model import ModelVersion
from registry.saving import short_table
from registry.settings import RegistrySettings
from registry.tags import FINGERPRINT, inputs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How many versions were compared, and each difference in words."""

    versions: int
    differences: tuple[str, ...]


def agreement(settings: RegistrySettings, journal: Told) -> Agreement:
    """Compares the stamps of the journal with the tags and dataset digests of MLflow."""
    versions = [version for name in journal.models for version in journal.versions(name) if version.stamp]
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
            inputs = client.get_run(version.run_id).inputs
    if missing:
        return [f"{who} is journaled and not in MLflow at {settings.address!r}"]
    wanted = {key: {"table": read.table, "version": read.version} for key, read in stamp.inputs.items()}
    digests = {each.dataset.name: each.dataset.digest for each in (inputs.dataset_inputs if inputs else ())}
    differences = []
    if tags.get(FINGERPRINT) != stamp.fingerprint:
        differences.append(f"{who}: its stamp is {stamp.fingerprint}, and MLflow's tag says {tags.get(FINGERPRINT)}")
    if inputs_of(tags) != wanted:
        differences.append(f"{who}: its stamp was made from {wanted}, and MLflow's tags say {inputs_of(tags)}")
    for key, read in stamp.inputs.items():
        digest = f"v{read.version}-{short_table(read.table)}"
        if key in digests and digests[key] != digest:
            differences.append(f"{who}: its stamp read {key} {digest}, and MLflow's dataset says {digests[key]}")
    return differences
