"""Skew: an asset whose inputs were made from different versions of one common ancestor. Pure, over what stamps say."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from lakehouse.table import TableVersion

Read = Mapping[str, TableVersion | None]
"""What was read, by reference as it is written; None where it is yet to be made."""

MadeFrom = Callable[[str, TableVersion | None], Read]
"""What one version was made from. Nothing for what no stamp tells of, and for a model, which is meant to be older."""

_Node = tuple[str, TableVersion | None]
_Origins = Mapping[str, TableVersion | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """An ancestor, and for each input that was made from it the version: None where that is yet to be made."""

    ancestor: str
    versions: tuple[tuple[str, int | None], ...]

    def __str__(self) -> str:
        told = ", ".join(f"v{v} by {key}" if v is not None else f"the next by {key}" for key, v in self.versions)
        return f"skew: its inputs saw different versions of {self.ancestor}: {told}"


def skews(wanted: Mapping[str, Read], made_from: MadeFrom, now: Read) -> Mapping[str, tuple[Skew, ...]]:
    """The skews of assets that read these versions; of ancestors that explain each other, the nearest alone.

    `now` is what whoever looks last reads. A version that is not behind it differs from no other, so that a lake in which
    nothing is behind costs one walk.
    """
    wanted = {asset: read for asset, read in wanted.items() if len(read) > 1}  # one input has no other side
    nodes = _reached(wanted.values(), made_from)
    behind = {key for key, version in nodes if key in now and version != now[key]}
    if not behind:
        return {}
    origins: dict[_Node, _Origins] = {}
    for node in nodes:
        origins[node] = _joined(made_from(*node), origins, behind)
    found = {asset: _skews_of(read, origins, behind) for asset, read in wanted.items()}
    return {asset: those for asset, those in found.items() if those}


def told_in_stamp(those: Iterable[Skew]) -> Mapping[str, Mapping[str, int | None]]:
    """What a stamp says of the skews of its commit."""
    return {skew.ancestor: dict(skew.versions) for skew in those}


def _reached(starts: Iterable[Read], made_from: MadeFrom) -> list[_Node]:
    """Everything that these come from, each after what it was made from."""
    order: list[_Node] = []
    seen: set[_Node] = set()
    ahead: list[tuple[_Node, bool]] = [(node, False) for read in starts for node in read.items()]
    while ahead:
        node, is_done = ahead.pop()
        if is_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            ahead.append((node, True))
            ahead.extend((other, False) for other in made_from(*node).items() if other not in seen)
    return order


def _joined(read: Read, origins: Mapping[_Node, _Origins], behind: Collection[str]) -> _Origins:
    """The versions of ancestors that something comes from; of one that it saw twice, the older."""
    found: dict[str, TableVersion | None] = {}
    for node in read.items():
        own = {node[0]: node[1]} if node[0] in behind else {}
        for ancestor, version in (*origins.get(node, {}).items(), *own.items()):
            found[ancestor] = _older(found[ancestor], version) if ancestor in found else version
    return found


def _skews_of(read: Read, origins: Mapping[_Node, _Origins], behind: Collection[str]) -> tuple[Skew, ...]:
    seen: dict[str, dict[str, TableVersion | None]] = {}
    for node in read.items():
        for ancestor, version in _joined(dict([node]), origins, behind).items():
            seen.setdefault(ancestor, {})[node[0]] = version
    differing = {ancestor: sides for ancestor, sides in seen.items() if len(set(sides.values())) > 1}
    return tuple(
        Skew(ancestor=ancestor, versions=tuple((key, v.version if v else None) for key, v in sides.items()))
        for ancestor, sides in differing.items()
        if not any(
            sides.keys() <= differing[other].keys() and any(ancestor in origins.get((other, v), {}) for v in versions)
            for other, versions in ((o, set(s.values())) for o, s in differing.items() if o != ancestor)
        )
    )


def _older(one: TableVersion | None, other: TableVersion | None) -> TableVersion | None:
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda version: version.version)
