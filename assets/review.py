"""Where a model's version stands before a gate: open, past it, turned down, or overtaken by a newer one. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from registry.journal import Told
from registry.model import ModelVersion

GATES = {"staging": "candidate", "production": "staging"}
"""The alias that each gate takes its version from."""

Standing = Literal["open", "there", "rejected", "taken back", "removed", "superseded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A version that nobody has decided on; `model` is the key of its asset."""

    model: str
    model_id: str
    alias: str
    version: int


def standing(journal: Told, name: str, alias: str, version: ModelVersion) -> Standing:
    """What has become of a version before a gate.

    It is taken back where it stood at the alias once and does not any more, removed once somebody deleted it from MLflow, and
    superseded where a newer one has come to wait there or has passed.
    """
    aliases = journal.aliases(name)
    placed, source = aliases.get(alias), aliases.get(GATES[alias])
    if placed is not None and _same(placed, version):
        return "there"
    if any(e.event == "rejected" and e.alias == alias and _same(e.model_version, version) for e in journal.of(name)):
        return "rejected"
    if any(e.event == "moved" and e.alias == alias and _same(e.model_version, version) for e in journal.of(name)):
        return "taken back"
    if any(_same(gone, version) for gone in journal.removed(name)):
        return "removed"
    newer = [other for other in (placed, source) if other is not None and _is_newer(other, version)]
    return "superseded" if newer else "open"


def waiting(journal: Told, key: str) -> Iterator[Waiting]:
    """The versions of a model that nobody has decided on, by gate."""
    name = key.split(".")[1]
    aliases = journal.aliases(name)
    for alias, before in GATES.items():
        version = aliases.get(before)
        if version is not None and standing(journal, name, alias, version) == "open":
            yield Waiting(model=key, model_id=version.model_id, alias=alias, version=version.version)


def _same(one: ModelVersion, other: ModelVersion) -> bool:
    return (one.model_id, one.version) == (other.model_id, other.version)


def _is_newer(one: ModelVersion, other: ModelVersion) -> bool:
    return one.model_id != other.model_id or one.version > other.version
