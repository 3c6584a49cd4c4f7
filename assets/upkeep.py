"""Which versions of which table must stay readable, and for whom. Pure: it takes what the log tells and decides."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from assets.graph import Graph
from assets.lineage import Lineage, Version
from lakehouse.history import Commit
from lakehouse.lake import QUARANTINE
from lakehouse.stamp import Stamp
from lakehouse.table import TableVersion

NEWEST = "the newest"
Histories = Mapping[str, Sequence[Commit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the models' journal says of the versions of models: which have an alias, and which a person let go."""

    aliases: Mapping[TableVersion, tuple[str, ...]] = field(default_factory=dict)
    let_go: frozenset[TableVersion] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A version of a table that must stay readable, and why."""

    key: str
    table: TableVersion
    why: str
    is_of_model: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A version that stays readable; `recent` is set where somebody may still be reading it, which ends by itself."""

    version: int
    why: tuple[str, ...] = ()
    recent: bool = False


def wants(lineage: Lineage, histories: Histories, standing: Standing, *, deep: bool = False) -> tuple[Want, ...]:
    """What models and the present content of tables were made from, by their stamps.

    A model's own inputs are enough to train it again, so only they are kept; `deep` keeps what those were made from, too,
    down to the first tables.
    """
    found: list[Want] = []
    for key, versions in lineage.versions.items():
        if key in histories:
            found += [want for made in _present(versions) for want in _direct(made, f"{key} v{made.version} was made")]
            continue
        for made in versions:
            if made.table in standing.let_go:
                continue
            aliases = standing.aliases.get(made.table, ())
            name = f"{key} v{made.version}" + (f" ({', '.join(aliases)})" if aliases else "")
            found += _direct(made, f"{name} was trained", is_of_model=True)
            found += _behind(lineage, made, name, set()) if deep else ()
    return tuple(dict.fromkeys(found))


def may_need(
    broken: Mapping[str, Iterable[Stamp]], graph: Graph, lineage: Lineage, *, deep: bool = False
) -> dict[str, str]:
    """The tables of which any version may be wanted, each with the table whose log cannot be read and that may want it.

    Those are what such a table reads by the graph, or ever read by the stamps that are left of it; `deep` adds what these
    were made from.
    """
    found: dict[str, str] = {}
    for key, left in broken.items():
        table = key.removeprefix(f"{QUARANTINE}.")
        of_both = _ever_read(table, graph, lineage) | _ever_read(f"{QUARANTINE}.{table}", graph, lineage)
        ahead = [*of_both, *(name for stamp in left for name, _ in stamp.reads)]
        while ahead:
            read = ahead.pop()
            if read not in found:
                found[read] = key
                ahead += _ever_read(read, graph, lineage) if deep else ()
    return found


def keep(commits: Sequence[Commit], wanted: Iterable[Want], since: datetime) -> tuple[Kept, ...]:
    """The versions of one table that stay readable: what is wanted of it, the newest, and what was the newest after `since`.

    Times that jump back count as late as the latest before them.
    """
    why: dict[int, list[str]] = {}
    known = {commit.table_version for commit in commits}
    for want in wanted:
        if want.table in known:
            why.setdefault(want.table.version, []).append(want.why)
    if commits:
        why.setdefault(commits[-1].effective, []).append(NEWEST)
    recent: set[int] = set()
    latest = commits[0].at if commits else since
    for commit, following in pairwise(commits):
        latest = max(latest, following.at)
        if latest > since:
            recent |= {commit.version, commit.effective}
    return tuple(Kept(version=v, why=tuple(why.get(v, ())), recent=v in recent) for v in sorted({*why, *recent}))


def dropped(commits: Sequence[Commit], wanted: Iterable[Want]) -> tuple[Want, ...]:
    """What is wanted of a table that was there before this one, and went with it."""
    known = {commit.table_version for commit in commits}
    return tuple(want for want in wanted if want.table not in known)


def _ever_read(key: str, graph: Graph, lineage: Lineage) -> set[str]:
    told = {name for made in lineage.versions.get(key, ()) if made.stamp for name, _ in made.stamp.reads}
    return told | {reference.key for reference in graph.inputs.get(key, {}).values()}


def _present(versions: Sequence[Version]) -> Iterator[Version]:
    """The last stamped version of each partition, by which the present content stands."""
    last: dict[str | None, Version] = {}
    for made in versions:
        if made.stamp is not None:
            last[made.stamp.partition] = made
    yield from last.values()


def _direct(made: Version, words: str, *, is_of_model: bool = False) -> list[Want]:
    on = "on it" if is_of_model else "from it"
    inputs = made.stamp.reads if made.stamp else ()
    return [
        Want(key=key, table=read.table_version, why=f"{words} {on}", is_of_model=is_of_model) for key, read in inputs
    ]


def _behind(lineage: Lineage, made: Version, name: str, seen: set[TableVersion]) -> list[Want]:
    """What the inputs of a version were made from, and so on."""
    found: list[Want] = []
    for key, read in made.stamp.reads if made.stamp else ():
        others = [v for v in lineage.versions.get(key, ()) if v.table == read.table_version and v.stamp]
        if not others or read.table_version in seen:
            continue
        seen.add(read.table_version)
        found += [
            Want(key=w.key, table=w.table, why=f"{name} comes from it, by {key} v{read.version}", is_of_model=True)
            for w in _direct(others[0], "")
        ]
        found += _behind(lineage, others[0], name, seen)
    return found
