"""The graph of assets: a value, valid once it exists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType

from assets.asset import Asset, External, ModelAsset, TableAsset
from assets.check import References
from assets.errors import AmbiguousName, BadOption, Cycle, UnknownInput
from assets.key import Reference, nearest
from assets.measure import Fresh


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Assets by key, each input resolved to a key that the graph holds, in an order that makes inputs first.

    Built by `Graph.of`, which refuses unknown inputs, cycles, duplicate names and second writers.
    """

    assets: Mapping[str, Asset]
    inputs: Mapping[str, Mapping[str, Reference]]

    @classmethod
    def of(cls, declared: Iterable[Asset]) -> "Graph":
        """The graph of the declared assets."""
        assets = _by_key(declared)
        by_name = {key.split(".")[1]: key for key in assets}
        inputs = {key: _resolved(asset, assets, by_name) for key, asset in assets.items()}
        order = _ordered(assets, inputs)
        return cls(
            assets=MappingProxyType({key: assets[key] for key in order}),
            inputs=MappingProxyType({key: inputs[key] for key in order}),
        )

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All keys, inputs before what reads them."""
        return tuple(self.assets)

    @cached_property
    def by_name(self) -> Mapping[str, str]:
        """The key of each bare name."""
        return {key.split(".")[1]: key for key in self.assets}

    @cached_property
    def upstream(self) -> Mapping[str, frozenset[str]]:
        """The direct inputs of each key."""
        return {key: frozenset(reference.key for reference in read.values()) for key, read in self.inputs.items()}

    @cached_property
    def downstream(self) -> Mapping[str, frozenset[str]]:
        """The direct readers of each key."""
        found: dict[str, set[str]] = {key: set() for key in self.assets}
        for key, read in self.upstream.items():
            for other in read:
                found[other].add(key)
        return {key: frozenset(readers) for key, readers in found.items()}


def _by_key(declared: Iterable[Asset]) -> dict[str, Asset]:
    by_key: dict[str, Asset] = {}
    by_name: dict[str, Asset] = {}
    for asset in declared:
        name = asset.key.split(".")[1]
        first = by_key.get(asset.key) or by_name.get(name)
        if first is not None:
            raise AmbiguousName(first.key, first.where, asset.key, asset.where)
        by_key[asset.key] = by_name[name] = asset
    return by_key


def _resolved(asset: Asset, assets: Mapping[str, Asset], by_name: Mapping[str, str]) -> Mapping[str, Reference]:
    found = {}
    for parameter, reference in asset.inputs.items():
        key = reference.key if reference.key in assets else by_name.get(reference.key)
        if key is None:
            raise UnknownInput(asset.where, asset.key, str(reference), nearest(reference.key, assets))
        if (reference.alias is not None) != isinstance(assets[key], ModelAsset):
            wanted = "an alias after a model, and only there: 'models.iris@staging'"
            raise BadOption(asset.where, f"input {parameter!r} of {asset.key}", repr(str(reference)), wanted)
        found[parameter] = Reference(key=key, alias=reference.alias)
    _references_are_tables_read(asset, {r.key: assets[r.key] for r in found.values()})
    return MappingProxyType(found)


def _references_are_tables_read(asset: Asset, read: Mapping[str, Asset]) -> None:
    """Only an input has a version that the run is pinned to, and only a table has columns to look into."""
    tables = [key for key, other in read.items() if isinstance(other, TableAsset) or getattr(other, "table", None)]
    for check in asset.checks if isinstance(asset, TableAsset) else ():
        if isinstance(check, References) and check.table not in tables:
            wanted = f"one of the tables among the inputs ({', '.join(sorted(tables)) or 'none'})"
            raise BadOption(asset.where, check.name, check.table, wanted)
        aged = [key for key, other in read.items() if not isinstance(other, ModelAsset)]
        if isinstance(check, Fresh) and check.input not in aged:
            wanted = f"one of the tables and files among the inputs ({', '.join(sorted(aged)) or 'none'})"
            raise BadOption(asset.where, f"{check.name} of {asset.key!r}", repr(check.input), wanted)


def _ordered(assets: Mapping[str, Asset], inputs: Mapping[str, Mapping[str, Reference]]) -> tuple[str, ...]:
    sorter = TopologicalSorter({key: sorted({r.key for r in read.values()}) for key, read in inputs.items()})
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        keys = tuple(reversed(error.args[1][1:]))
        raise Cycle(keys, tuple(assets[key].where for key in keys)) from error


def made_keys(graph: Graph) -> tuple[str, ...]:
    """The keys of everything that the graph makes, which is all but the externals."""
    return tuple(key for key, asset in graph.assets.items() if not isinstance(asset, External))
