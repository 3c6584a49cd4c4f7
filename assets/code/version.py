"""The code version of an asset: the same exactly while its meaning, and that of the project's code it uses, is the same."""

import gc
import hashlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType

from assets.asset import Made, TableAsset
from assets.code.owned import Project, top_level
from assets.code.patches import Patches
from assets.code.telling import Telling
from assets.code.unit import Code, Unit, digits_of
from assets.code.units import Units
from assets.code.untold import Untold
from assets.errors import BadOption
from assets.options import short

FUNCTION = "function"
_NO_MEANING = frozenset(
    {
        *("key", "function", "inputs", "where", "checks", "code"),
        *("description", "owner", "tags", "group", "gates", "metric", "higher_is_better"),
        # Whether, when and by whom a version is published, and not what is in it.
        *("retries", "schema", "engine", "automation", "pool", "timeout"),
    }
)
"""What an asset says of itself that changes none of its rows, or is told in another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeVersion:
    """A code version: what the author gives, or 16 hex digits; these with the digits of each part, by a person's name for it."""

    version: str
    parts: Mapping[str, str] = field(default_factory=dict)


def code_version(asset: Made) -> str:
    """Sixteen hex digits over an asset's inputs, options and checks, and the syntax of its function and of all it uses.

    That is the project's functions, classes and constants, over modules. Comments, docstrings and formatting do not count.
    A version that the author gives stands for all of that.
    """
    return told_version(asset).version


def told_version(asset: Made) -> CodeVersion:
    """The code version of one asset with its parts; raises BadOption where its text does not tell it."""
    found = code_versions([asset])[asset.key]
    if isinstance(found, BadOption):
        raise found
    return found


def code_versions(assets: Iterable[Made]) -> dict[str, CodeVersion | BadOption]:
    """The code version of each asset, by its key, or why its text does not tell it; what they share is read once."""
    read: dict[str, Units] = {}
    with _without_collection():
        return {asset.key: _version(asset, read) for asset in assets}


@contextmanager
def _without_collection() -> Iterator[None]:
    """Next to nothing that is read becomes garbage, and to look for some takes a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _version(asset: Made, read: dict[str, Units]) -> CodeVersion | BadOption:
    if asset.code is not None:
        return CodeVersion(version=asset.code)
    home = top_level(str(inspect.unwrap(asset.function).__module__))
    project = Project(home=home)
    units = read.setdefault(home, Units(project=project, patches=Patches(project=project)))
    try:
        return _told(asset, units)
    except Untold as error:
        path, _, line = error.place.rpartition(":")
        place = f"at {short(path)}:{line}, " if path else f"in {short(error.place)}, " if error.place else ""
        found = f"not all in its text: {place}{error.reason}"
        return BadOption(asset.where, f"the code of {asset.key}", found, "a version by hand: code='1'")


def _told(asset: Made, units: Units) -> CodeVersion:
    heads = {"inputs": _inputs(asset, units), "options": _options(asset, units), "checks": _checks(asset, units)}
    called = units.telling()
    called.value(asset.function)
    digest = hashlib.sha256()
    for telling in (*heads.values(), called):
        digest.update(digits_of(telling.words).encode())
    digits = {name: [digits_of(telling.words)] for name, telling in heads.items() if telling.words}
    first = [code for telling in (called, *heads.values()) for code in telling.refers]
    itself = inspect.unwrap(asset.function)
    for code, unit, places in _reached(units, first):
        digest.update(unit.digest)
        digest.update(b"%d:%s;" % (len(places), b",".join(b"%d" % place for place in places)))
        digits.setdefault(FUNCTION if code is itself else unit.name, []).append(unit.digits)
    parts = {name: found[0] if len(found) == 1 else digits_of(sorted(found)) for name, found in sorted(digits.items())}
    return CodeVersion(version=digest.hexdigest()[:16], parts=parts)


def _reached(units: Units, first: Iterable[object]) -> list[tuple[Code, Unit, list[int]]]:
    """All code that is used, each once, in the order in which it is spoken of; with the places of what each uses."""
    ahead: list[Code] = []
    places: dict[int, int] = {}

    def place(code: Code) -> int:
        if id(code) not in places:
            places[id(code)] = len(ahead)
            ahead.append(code)
        return places[id(code)]

    for code in first:
        place(code)  # type: ignore[arg-type]
    found = []
    for code in ahead:  # it grows on the way
        unit = units.of(code)
        found.append((code, unit, [place(use) for use in unit.uses]))
    return found


def _inputs(asset: Made, units: Units) -> Telling:
    """Which parameter reads what; by name, for a key and its name alone mean the same asset."""
    telling = units.telling()
    for parameter, reference in asset.inputs.items():
        telling.say(parameter, reference.key.split(".")[-1], str(reference.alias))
    return telling


def _options(asset: Made, units: Units) -> Telling:
    telling = units.telling()
    telling.fields(asset, without=_NO_MEANING)
    return telling


def _checks(asset: Made, units: Units) -> Telling:
    """What is checked, by value; by its text where a check holds what has no text of its own."""
    telling = units.telling()
    if not isinstance(asset, TableAsset) or not asset.checks:
        return telling
    try:
        telling.value(asset.checks)
    except Untold:
        function = inspect.unwrap(asset.function)
        telling = units.telling()
        if isinstance(function, FunctionType):
            units.declaration(telling, function, "checks")
    return telling
