"""Finds the version that a person names, as `gold.x`, `gold.x@3` or `models.y@production`."""

from assets.errors import UnknownVersion
from assets.key import Reference, full_key
from assets.lineage import Lineage, Version
from assets.observe import name_of
from registry.models import Models


def found_version(lineage: Lineage, models: Models, text: str) -> Version:
    """The version that the text names; the newest where it names none."""
    reference = Reference.parse(text)
    chosen = reference.alias
    if chosen is None:
        return lineage.find(reference.key)
    key = full_key(reference.key, lineage.versions)
    number = chosen.removeprefix("v")
    if number.isdigit():
        return lineage.find(key, int(number))
    held = models.alias(name_of(key), chosen)
    if held is None:
        raise UnknownVersion(text, None, (), tuple(f"{key}@{v.version}" for v in lineage.versions.get(key, ())))
    return lineage.find(key, held.version)
