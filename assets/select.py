"""Selections: words that choose a part of the graph, such as `+gold.iris_features` or `bronze.*+, models.*`."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from assets.errors import UnknownAsset
from assets.graph import Graph, made_keys
from assets.key import nearest


def select(graph: Graph, words: str = "*") -> tuple[str, ...]:
    """The keys that the words choose, in the graph's order.

    Terms are separated by commas or spaces. A term is a key, a bare name, or a pattern with `*`; a `+` before it adds all
    that it is made from, a `+` behind it all that is made from it. Externals can be named and are never made.
    """
    chosen: set[str] = set()
    for term in words.replace(",", " ").split():
        chosen |= _term(graph, term)
    return tuple(key for key in graph.order if key in chosen)


def _term(graph: Graph, term: str) -> set[str]:
    name = term.strip("+")
    found = {key for key in graph.order if name == key or name == key.split(".")[1] or _fits(graph, key, name)}
    if not found:
        raise UnknownAsset(name, nearest(name, graph.order))
    reached = set(found)
    if term.startswith("+"):
        reached |= _closure(found, graph.upstream)
    if term.endswith("+"):
        reached |= _closure(found, graph.downstream)
    return reached


def _fits(graph: Graph, key: str, pattern: str) -> bool:
    return key in made_keys(graph) and "*" in pattern and fnmatchcase(key, pattern)


def _closure(start: Iterable[str], edges: Mapping[str, frozenset[str]]) -> set[str]:
    seen: set[str] = set()
    ahead = list(start)
    while ahead:
        following = edges[ahead.pop()] - seen
        seen |= following
        ahead.extend(following)
    return seen
