"""Names of assets: `layer.name`, and `layer.name@alias` for a model that is chosen by alias."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from assets.errors import BadKey, Where

_KEY = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_LAYERS = frozenset({"quarantine", "released", "lakeline"})
OWN_TABLES = frozenset({"ops.drift", "ops.model_journal", "ops.prediction_log"})
"""What Lakeline keeps of itself, which no definition makes."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reference:
    """What an input names: an asset, and for a model the alias that chooses its version.

    >>> Reference.parse("models.iris@staging")
    Reference(key='models.iris', alias='staging')
    """

    key: str
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """The reference that a text spells."""
        key, _, alias = text.partition("@")
        return cls(key=key, alias=alias or None)

    @property
    def is_as_made(self) -> bool:
        """Whether what it names depends on its asset being made; a reviewed model is what it was."""
        return self.alias in {None, "candidate"}

    def __str__(self) -> str:
        return self.key if self.alias is None else f"{self.key}@{self.alias}"


def recorded(references: Iterable[Reference]) -> dict[Reference, str]:
    """The name under which a stamp tells of each input: its key, and the alias where one model is read by several.

    >>> list(recorded([Reference.parse("models.iris@staging")]).values())
    ['models.iris']
    """
    read = dict.fromkeys(references)
    often = Counter(reference.key for reference in read)
    return {reference: reference.key if often[reference.key] == 1 else str(reference) for reference in read}


def checked_key(text: str, where: Where | None = None) -> str:
    """The text, if it can be a key."""
    if not _KEY.fullmatch(text):
        raise BadKey(text, where)
    if text.split(".", maxsplit=1)[0] in _LAYERS:
        raise BadKey(text, where, "in a layer that Lakeline keeps itself")
    return text


def made_key(text: str, where: Where | None = None) -> str:
    """The text, if it can be the key of what a function makes; what Lakeline writes itself can only be read."""
    if text in OWN_TABLES:
        raise BadKey(text, where, "a table that Lakeline writes itself")
    return checked_key(text, where)


def full_key(text: str, known: Iterable[str]) -> str:
    """The known key that has a bare name; a text that is none stays as it is.

    >>> full_key("iris_clean", ["bronze.iris_raw", "silver.iris_clean"])
    'silver.iris_clean'
    """
    return text if "." in text else next((key for key in known if key.split(".", maxsplit=1)[1] == text), text)


def nearest(wanted: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known keys that look most like the wanted one, at most three; a bare name is compared with names."""
    by_name = {key.split(".")[-1]: key for key in known}
    keys = list(by_name.values())
    close = difflib.get_close_matches(wanted, keys, n=3, cutoff=0.6)
    close += [
        by_name[name]
        for name in difflib.get_close_matches(wanted.rsplit(".", maxsplit=1)[-1], list(by_name), n=3, cutoff=0.6)
    ]
    return tuple(dict.fromkeys(close))[:3]
