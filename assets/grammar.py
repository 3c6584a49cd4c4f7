r"""Reads the text of a selection.

    any    = all { ("or" | ",") all }
    all    = not { "and" not }
    not    = "not" not | around
    around = [ [steps] "+" ] atom [ "+" [steps] ]
    atom   = "*" | name | "key:" name | "tag:" value ["=" value] | ("owner:" | "group:" | "kind:") value
           | ("sinks" | "roots") "(" [any] ")" | "stale()" | "(" any ")"

A name is a key, a bare name or a pattern with `*`. Values with other signs than letters, digits and `_ . @ / -` are quoted,
with " or '. What Dagster's asset selection has, it has here with the same meaning: `not` before `and` before `or`, `+` only on
names, filters, functions and parentheses. Here and not there: the comma, names without `key:`, patterns in any place,
`stale()`, `sinks()` and `roots()` of everything, and values such as `owner:ann@example.org` without quotes. Spaces join
nothing, as there: `a +b` would be two things at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assets.errors import BadSelection
from assets.selection import (
    ATTRIBUTES,
    ENDS,
    OPERATORS,
    WORD,
    AllOf,
    AnyOf,
    Around,
    Ends,
    Everything,
    Having,
    Named,
    Not,
    Selection,
    Stale,
)

_TOKEN = re.compile(
    rf"""(?P<word>{WORD}) | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*') | (?P<sign>[+:=(),]) | (?P<other>\S)""",
    re.DOTALL | re.VERBOSE,
)
_STEPS = re.compile(r"[0-9]{1,9}")
_DEEPEST = 50  # parentheses and 'not' within each other, far from where Python's own stack ends
_FIRST = "a name, a filter such as tag:x, '*' or '('"


def parse(text: str) -> Selection:
    """The selection that a text spells.

    >>> parse("+gold.iris_features and not tag:slow")
    AllOf(parts=(Around(of=Named(pattern='gold.iris_features'), up=None, down=0), Not(of=Having(attribute='tag', ...
    """
    return _Reader(text).whole()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    """A word or a sign, `text` as it stands there and `value` as it is meant; the end has no text."""

    kind: Literal["word", "quoted", "sign", "end"]
    text: str
    value: str
    place: int


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        found, place = match[0], match.start()
        if match["other"]:
            wanted = f"a closing {found}" if found in "\"'" else "quotes around a value with such signs"
            raise BadSelection(text, place, wanted, found)
        kind: Literal["word", "quoted", "sign"] = "word" if match["word"] else "quoted" if match["quoted"] else "sign"
        value = re.sub(r"\\(.)", r"\1", found[1:-1], flags=re.DOTALL) if kind == "quoted" else found
        yield _Token(kind=kind, text=found, value=value, place=place)
    yield _Token(kind="end", text="", value="", place=len(text.rstrip()))


class _Reader:
    """Goes over the tokens once, one method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._at, self._depth = text, tuple(_tokens(text)), 0, 0

    def whole(self) -> Selection:
        found = self._any()
        if self._next.kind == "sign" and self._next.text == ")":
            raise self._wrong("a '(' before this ')'")
        if self._next.kind != "end":
            joined = "; spaces join nothing, a comma does" if self._next.text not in "+:=(" else ""
            raise self._wrong(f"'and', 'or', ',' or the end{joined}")
        return found

    def _any(self) -> Selection:
        parts = [self._all()]
        while self._took("or", ","):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(parts=tuple(parts))

    def _all(self) -> Selection:
        parts = [self._not()]
        while self._took("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else AllOf(parts=tuple(parts))

    def _not(self) -> Selection:
        if not self._took("not"):
            return self._around()
        self._deeper()
        found = Not(of=self._not())
        self._depth -= 1
        return found

    def _around(self) -> Selection:
        up = down = None
        has_up = self._is_steps(self._next) and self._tokens[self._at + 1].text == "+"
        if has_up:
            up = int(self._take().text)
        has_up = self._took("+")
        first = self._next
        found = self._atom()
        has_down = self._took("+")
        if has_down and self._is_steps(self._next):
            down = int(self._take().text)
        if not has_up and not has_down:
            return found
        if first.text == "*":
            raise BadSelection(self._text, first.place, "'*' without '+', for it is all that is made", "*+")
        return Around(of=found, up=up if has_up else 0, down=down if has_down else 0)

    def _atom(self) -> Selection:
        token = self._next
        if token.kind == "quoted":
            return Named(pattern=self._take().value)
        if token.kind == "word" and token.text.lower() not in OPERATORS:
            return self._worded()
        if not self._took("("):
            raise self._wrong(_FIRST)
        self._deeper()
        found = self._any()
        self._closed()
        return found

    def _worded(self) -> Selection:
        word = self._take()
        if self._took(":"):
            return self._filter(word)
        if self._took("("):
            return self._called(word)
        if word.text == "*":
            return Everything()
        if _STEPS.fullmatch(word.text):
            raise self._wrong("'+' after a number of steps, as in 2+gold.x")
        return Named(pattern=word.text)

    def _filter(self, word: _Token) -> Selection:
        if word.text == "key":
            return Named(pattern=self._value("a key, a name or a pattern", has_stars=True))
        attribute = next((known for known in ATTRIBUTES if known == word.text), None)
        if attribute is None:
            wanted = f"one of {', '.join(f'{known}:' for known in ('key', *ATTRIBUTES))}"
            raise BadSelection(self._text, word.place, wanted, f"{word.text}:")
        name = self._value(f"the {attribute} after '{attribute}:'")
        if attribute == "tag" and self._took("="):
            return Having(attribute=attribute, name=name, value=self._value("the tag's value after '='"))
        return Having(attribute=attribute, name=name)

    def _called(self, word: _Token) -> Selection:
        self._deeper()
        if word.text == "stale":
            self._closed("')', for stale() takes nothing; write stale() and (...)")
            return Stale()
        end = next((known for known in ENDS if known == word.text), None)
        if end is None:
            wanted = f"one of {', '.join(f'{known}()' for known in (*ENDS, 'stale'))}"
            raise BadSelection(self._text, word.place, wanted, f"{word.text}(")
        of = Everything() if self._next.text == ")" else self._any()
        self._closed()
        return Ends(end=end, of=of)

    def _value(self, wanted: str, *, has_stars: bool = False) -> str:
        token = self._next
        if token.kind not in {"word", "quoted"}:
            raise self._wrong(wanted)
        if token.kind == "word" and "*" in token.text and not has_stars:
            raise self._wrong(f"{wanted}; only keys have patterns, and a star that is meant stands in quotes")
        return self._take().value

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _took(self, *texts: str) -> bool:
        """Whether the next token is one of the texts, which may be in capitals; if so, it is taken."""
        token = self._next
        if token.kind in {"end", "quoted"} or (token.text not in texts and token.text not in map(str.upper, texts)):
            return False
        self._at += 1
        return True

    def _is_steps(self, token: _Token) -> bool:
        return token.kind == "word" and _STEPS.fullmatch(token.text) is not None

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"at most {_DEEPEST} parentheses and 'not' within each other")

    def _closed(self, wanted: str = "'and', 'or', ',' or ')'") -> None:
        if not self._took(")"):
            raise self._wrong(wanted)
        self._depth -= 1

    def _wrong(self, wanted: str) -> BadSelection:
        return BadSelection(self._text, self._next.place, wanted, self._next.text)
