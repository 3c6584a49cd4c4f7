"""Chooses a part of the graph by words, such as `+gold.iris_features` or `bronze.*, tag:daily and not owner:ann`."""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping

from assets.asset import Asset, group_of, kinds_of
from assets.errors import BadSelection, NoAssetHas, NotOne, UnknownAsset
from assets.grammar import parse
from assets.graph import Graph, made_keys
from assets.key import nearest
from assets.selection import AllOf, AnyOf, Around, Attribute, Ends, Everything, Having, Named, Not, Selection, Stale


def select(
    graph: Graph, words: str | Selection = "*", *, stale: Callable[[], Collection[str]] | None = None
) -> tuple[str, ...]:
    """The keys that the words choose, in the graph's order.

    Externals can be chosen and are never made, so `*` is without them; `not` is over all that the graph holds. `stale` is
    asked where the words say `stale()`: it tells the keys that a run of everything would make. A name that no asset has is
    refused; so is a pattern or a filter that fits nothing, where nothing at all is chosen. (Dagster answers both with an
    empty selection: a typing error would be a run that does nothing.)
    """
    selection = parse(words) if isinstance(words, str) else words
    chooser = _Chooser(graph, stale)
    found = chooser.choose(selection)
    if not found and chooser.unfit:
        raise chooser.unfit[0]
    return tuple(key for key in graph.order if key in found)


def only(graph: Graph, words: str) -> str:
    """The key of the one asset that the words choose."""
    found = select(graph, words)
    if len(found) != 1:
        raise NotOne(words, found)
    return found[0]


class _Chooser:
    """Finds the keys of a selection; `unfit` are the errors to raise if nothing is chosen at all."""

    def __init__(self, graph: Graph, stale: Callable[[], Collection[str]] | None) -> None:
        self._graph, self._stale = graph, stale
        self._made = frozenset(made_keys(graph))
        self.unfit: list[UnknownAsset | NoAssetHas] = []

    def choose(self, selection: Selection) -> set[str]:
        graph = self._graph
        match selection:
            case AllOf(parts=parts):
                return set.intersection(*map(self.choose, parts))
            case AnyOf(parts=parts):
                return set().union(*map(self.choose, parts))
            case Not(of=of):
                return set(graph.assets) - self.choose(of)
            case Around(of=of, up=up, down=down):
                found = self.choose(of)
                return found | _reached(found, graph.upstream, up) | _reached(found, graph.downstream, down)
            case Ends(end="roots", of=of):
                found = self.choose(of)
                # What others make is no input here: the roots of what a run makes are the first that it makes.
                return found - _led_to(found & self._made, graph.order, graph.upstream)
            case Ends(of=of):
                found = self.choose(of)
                return found - _led_to(found, reversed(graph.order), graph.downstream)
        return self._leaf(selection)

    def _leaf(self, selection: Everything | Named | Having | Stale) -> set[str]:
        match selection:
            case Everything():
                return set(self._made)
            case Named(pattern=pattern):
                return self._fitting(pattern) if "*" in pattern else {self._named(pattern)}
            case Stale():
                if self._stale is None:
                    raise BadSelection("stale()", 0, "a selection that needs no plan, for none is made here", "stale()")
                return set(self._stale())
            case Having(attribute=attribute, name=name, value=value):
                return self._having(attribute, name, value)

    def _named(self, name: str) -> str:
        key = name if name in self._graph.assets else self._graph.by_name.get(name)
        if key is None:
            raise UnknownAsset(name, nearest(name, self._graph.order))
        return key

    def _fitting(self, pattern: str) -> set[str]:
        """The keys that fit. As in Dagster the whole key does, and a star stands for any part of it."""
        keys = self._graph.order
        found = set(filter(_pattern(pattern).fullmatch, keys))
        if not found:
            in_any_layer = f"*.{pattern}"
            is_name = any(map(_pattern(in_any_layer).fullmatch, keys))
            self.unfit.append(UnknownAsset(pattern, (in_any_layer,) if is_name else nearest(pattern, keys)))
        return found

    def _having(self, attribute: Attribute, name: str, value: str | None) -> set[str]:
        """A tag without a value is any value of it. (In Dagster it is the empty one, which is `tag:x=""` here.)"""
        assets = self._graph.assets
        told = {key: _told(asset, attribute) for key, asset in assets.items()}
        found = {key for key, known in told.items() if name in known and value in {None, known[name]}}
        if not found:
            names = {known for names in told.values() for known in names}
            near = tuple(difflib.get_close_matches(name, names))
            if name in names and value is not None:
                values = {known[name] for known in told.values() if name in known}
                near = tuple(f"{name}={each}" for each in difflib.get_close_matches(value, values))
                name, names = f"{name}={value}", {f"{name}={each}" for each in values}
            self.unfit.append(NoAssetHas(attribute, name, near, tuple(names)))
        return found


def _told(asset: Asset, attribute: Attribute) -> Mapping[str, str]:
    """The names that an asset has for an attribute; each of a tag with its value."""
    if attribute == "tag":
        return {name: str(value) for name, value in asset.tags.items()}
    if attribute == "kind":
        return dict.fromkeys(kinds_of(asset), "")
    name = asset.owner if attribute == "owner" else group_of(asset)
    return {} if name is None else {name: ""}


def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _reached(start: Collection[str], edges: Mapping[str, frozenset[str]], steps: int | None) -> set[str]:
    """What lies at most so many steps from the start, along the edges."""
    seen: set[str] = set()
    ahead: Collection[str] = start
    while ahead and steps != 0:
        ahead = {other for key in ahead for other in edges[key]} - seen
        seen |= ahead
        steps = None if steps is None else steps - 1
    return seen


def _led_to(start: Collection[str], order: Iterable[str], back: Mapping[str, frozenset[str]]) -> set[str]:
    """What can be reached from the start, over anything; `order` has what lies behind before what lies ahead."""
    reached: set[str] = set()
    for key in order:
        if any(other in start or other in reached for other in back[key]):
            reached.add(key)
    return reached
