"""One piece of the project's code: a function, a class or a name of a module, what it says, and what else it uses."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import FunctionType

from assets.code.source import Namespace, Source
from assets.code.untold import Untold


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Global:
    """A name of a module of the project, where it stands for something else than a function or class of the project."""

    namespace: Namespace
    name: str


Code = FunctionType | type | Global


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Unit:
    """A piece of code. `name` is how a person finds it; `uses` are in the order in which the text speaks of them.

    `digest` stands for the text alone, and `digits` also for the names of what it uses.
    """

    name: str
    digest: bytes
    digits: str
    uses: tuple[Code, ...]

    @classmethod
    def of(cls, name: str, words: Iterable[str], uses: Iterable[object]) -> "Unit":
        """What was told of a piece of code."""
        codes = tuple(use for use in uses if isinstance(use, (FunctionType, type, Global)))
        digest = digest_of(words)
        return cls(name=name, digest=digest, digits=digits_of([digest.hex(), *map(name_of, codes)]), uses=codes)


def digest_of(words: Iterable[str]) -> bytes:
    """Stands for words, and for where each of them ends."""
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(word), word) for word in encoded)).digest()


def digits_of(words: Iterable[str]) -> str:
    """Eight hex digits that stand for words."""
    return digest_of(words).hex()[:8]


def name_of(code: Code) -> str:
    """`flowers.cleaning.parse`: the module, and the names that lead to the code inside it."""
    if isinstance(code, Global):
        return f"{code.namespace.get('__name__', '?')}.{code.name}"
    if isinstance(code, FunctionType):
        return f"{code.__globals__.get('__name__', '?')}.{code.__code__.co_qualname}".replace("<locals>.", "")
    return f"{code.__module__}.{code.__qualname__}".replace("<locals>.", "")


def source_of(namespace: Namespace, file: object) -> Source:
    """The source of a module's code; raises Untold where there is none."""
    if not isinstance(file, str):
        raise Untold(f"{namespace.get('__name__', 'a module')} has no source")
    try:
        source = Source.of(file, namespace)
    except (SyntaxError, ValueError) as error:
        raise Untold(f"the source of {namespace.get('__name__')} cannot be read: {error}", file) from error
    if source is None:
        raise Untold(f"there is no source of {namespace.get('__name__', 'a function')} in Python", file)
    return source
