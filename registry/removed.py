"""Versions of models that somebody deleted from MLflow: by that, a person lets go of what they were trained on."""

from datetime import UTC, datetime
from functools import partial

from registry.aliases import read_model, read_versions
from registry.comparison import removal
from registry.journal import Event, Journal, Told
from registry.model import ModelVersion
from registry.settings import RegistrySettings


def gone(settings: RegistrySettings, journal: Told) -> tuple[ModelVersion, ...]:
    """The registered versions that MLflow no longer has and the journal does not tell of yet.

    A store that does not know a model, or knows another one of its name, says nothing of its versions.
    """
    if settings.database is not None and not settings.database.exists():
        return ()
    found: list[ModelVersion] = []
    for name in journal.models:
        shown = read_model(settings, name)
        if shown is None:
            continue
        held, told_of = read_versions(settings, name), journal.removed(name)
        ours = [version for version in journal.versions(name) if version.model_id == shown.model_id]
        found += [version for version in ours if version.version not in held and version not in told_of]
    return tuple(found)


def let_go(settings: RegistrySettings, journal: Journal) -> tuple[ModelVersion, ...]:
    """Journals what is gone, each version once."""
    found = gone(settings, journal.read())
    for version in found:
        journal.record(partial(_removal, version))
    return found


def _removal(version: ModelVersion, told: Told) -> Event | None:
    return None if version in told.removed(version.name) else removal(version, datetime.now(UTC))
