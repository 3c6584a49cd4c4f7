"""Selections as values: what a text such as `+gold.iris_features and not tag:slow` means, and how it is spelled.

`str` of a selection is a text that `assets.grammar.parse` reads back as the same value.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

Attribute = Literal["tag", "owner", "group", "kind"]
End = Literal["sinks", "roots"]

ATTRIBUTES: tuple[Attribute, ...] = get_args(Attribute)
ENDS: tuple[End, ...] = get_args(End)
OPERATORS = ("and", "or", "not")
WORD = r"[\w.*@/-]+"
"""What needs no quotes; a star in it is a pattern, which only keys have."""

_PLAIN_VALUE = re.compile(r"[\w.@/-]+")
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All that the graph makes: `*`."""

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What has this key or this bare name; or the keys that fit a pattern, in which `*` stands for anything."""

    pattern: str

    def __str__(self) -> str:
        is_word = re.fullmatch(WORD, self.pattern) and self.pattern != "*"
        if is_word and self.pattern.lower() not in OPERATORS and not _NUMBER.fullmatch(self.pattern):
            return self.pattern
        return f"key:{_quoted(self.pattern)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Having:
    """What has a tag, an owner, a group or a kind; `value` is the tag's, None where any will do."""

    attribute: Attribute
    name: str
    value: str | None = None

    def __str__(self) -> str:
        value = "" if self.value is None else f"={_spelled(self.value)}"
        return f"{self.attribute}:{_spelled(self.name)}{value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """A selection with what it is made from, `up` steps away, and what is made from it; None is without a limit."""

    of: "Selection"
    up: int | None = 0
    down: int | None = 0

    def __str__(self) -> str:
        is_written = self.up == 0 and self.down == 0  # as 0+x, which adds nothing
        before = "" if self.up == 0 and not is_written else f"{_limit(self.up)}+"
        after = "" if self.down == 0 else f"+{_limit(self.down)}"
        return f"{before}{_inner(self.of, Everything, Around, Not, AllOf, AnyOf)}{after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Those of a selection that nothing else in it is made from (`sinks`), or that are made from nothing in it (`roots`)."""

    end: End
    of: "Selection"

    def __str__(self) -> str:
        return f"{self.end}({'' if isinstance(self.of, Everything) else self.of})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """What a run of everything would make now: `stale()`."""

    def __str__(self) -> str:
        return "stale()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """All that is not in a selection."""

    of: "Selection"

    def __str__(self) -> str:
        return f"not {_inner(self.of, AllOf, AnyOf)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """What is in each of two or more selections."""

    parts: tuple["Selection", ...]

    def __str__(self) -> str:
        return " and ".join(_inner(part, AllOf, AnyOf) for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """What is in any of two or more selections."""

    parts: tuple["Selection", ...]

    def __str__(self) -> str:
        return " or ".join(_inner(part, AnyOf) for part in self.parts)


Selection = Everything | Named | Having | Around | Ends | Stale | Not | AllOf | AnyOf


def _inner(selection: Selection, *in_parentheses: type) -> str:
    return f"({selection})" if isinstance(selection, in_parentheses) else str(selection)


def _limit(steps: int | None) -> str:
    return "" if steps is None else str(steps)


def _spelled(value: str) -> str:
    is_plain = _PLAIN_VALUE.fullmatch(value) and value.lower() not in OPERATORS
    return value if is_plain else _quoted(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
