"""What of an asset's code is another one than what a stamp was made by, in words; and what a stamp keeps to tell it."""

import re
from collections.abc import Mapping

from assets.code.unit import digits_of
from lakehouse.stamp import Stamp

_PARTS = "parts"
_OF_ALL = ".*"
_LONGEST = 4000  # characters of a stamp
_NAMED = 3
_WORDS = {"function": "the function"}
_OF_DECLARATION = ("inputs", "checks", "options")  # parts that are left out where an author says nothing of them


def kept(parts: Mapping[str, str]) -> dict[str, object]:
    """What a stamp keeps of the parts of its code, never much: where there are many, those of one module count together.

    >>> kept({"function": "0a1b2c3d"})
    {'parts': {'function': '0a1b2c3d'}}
    """
    told = dict(parts)
    groups: set[str] = set()
    while _length(told) > _LONGEST and (deepest := max(map(_depth, told))):
        groups |= {_above(name) for name in told if _depth(name) == deepest}
        told = _together(parts, groups)
    return {_PARTS: told} if told else {}


def code_cause(stamp: Stamp, version: str, parts: Mapping[str, str]) -> str:
    """What changed since a stamp's code version: `code (flowers.cleaning.parse changed)`, or `code 1 -> 2`."""
    before = stamp.extra.get(_PARTS)
    if isinstance(before, dict) and before and parts:
        told = _differences({str(name): str(digits) for name, digits in before.items()}, parts)
        return f"code ({', '.join(told)})" if told else "code"
    is_by_hand = not before and not parts and not re.fullmatch("[0-9a-f]{16}", stamp.code)
    return f"code {stamp.code} -> {version}" if is_by_hand else "code"


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    groups = {name for name in before if name.endswith(_OF_ALL)}
    present = _together(now, groups)
    changed = [f"{_word(name)} changed" for name in before if name in present and present[name] != before[name]]
    changed += [f"{name} changed" for name in _OF_DECLARATION if (name in before) != (name in present)]
    new = [f"{_word(name)} is new" for name in present if name not in {*before, *_OF_DECLARATION}]
    gone = [f"{_word(name)} is gone" for name in before if name not in {*present, *_OF_DECLARATION}]
    # What is new or gone follows from what changed, and the function often from what it uses.
    told = sorted(changed, key=lambda text: text.startswith("the function")) + new + gone
    return told if len(told) <= _NAMED + 1 else [*told[:_NAMED], f"and {len(told) - _NAMED} more"]


def _together(parts: Mapping[str, str], groups: set[str]) -> dict[str, str]:
    """The parts, where all that a group stands for count as one."""
    told: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for name, digits in sorted(parts.items()):
        group = _group_of(name, groups)
        if group is None:
            told[name] = digits
        else:
            members.setdefault(group, []).append(f"{name} {digits}")
    return told | {group: digits_of(found) for group, found in members.items()}


def _group_of(name: str, groups: set[str]) -> str | None:
    above = name
    found = None
    while "." in above:
        above = above.rpartition(".")[0]
        if f"{above}{_OF_ALL}" in groups:
            found = f"{above}{_OF_ALL}"
    return found


def _above(name: str) -> str:
    return f"{name.removesuffix(_OF_ALL).rpartition('.')[0]}{_OF_ALL}"


def _depth(name: str) -> int:
    return name.removesuffix(_OF_ALL).count(".")


def _length(parts: Mapping[str, str]) -> int:
    return sum(len(name) + len('"":"12345678",') for name in parts)


def _word(name: str) -> str:
    return _WORDS.get(name, name.removesuffix(_OF_ALL))
