"""Who needs which version of which table, as the logs tell it now and not as they told it when upkeep began."""

from collections.abc import Iterable, Mapping, Sequence

from assets.asset import External, ModelAsset
from assets.graph import Graph
from assets.lineage import Lineage
from assets.upkeep import Standing, Want, may_need, wants
from lakehouse.errors import PlatformError
from lakehouse.history import Commit
from lakehouse.lake import QUARANTINE, Lake
from lakehouse.log import name_of, versions_in
from lakehouse.table import TableVersion
from registry.journal import KEY as JOURNAL
from registry.model import ModelVersion
from registry.models import Models

Told = Sequence[Commit] | PlatformError
"""The history of a table; the error, where its log cannot be read."""


class Needs:
    """What is needed of the tables of one lake. A log is read once, and again only where it has moved on.

    `told` has what each log tells, `wanted` what must stay readable of each table, and `blind` the tables of which nobody
    knows what is needed, each with whose log does not tell.
    """

    def __init__(
        self, lake: Lake, models: Models, graph: Graph, let_go: Iterable[ModelVersion] = (), *, deep: bool = False
    ) -> None:
        self._lake, self._models, self._graph, self._let_go, self._deep = lake, models, graph, tuple(let_go), deep
        self._ends: dict[str, str] = {}
        self._readers: Mapping[str, set[str]] = {}
        self.told: dict[str, Told] = {}
        self.wanted: dict[str, list[Want]] = {}
        self.blind: Mapping[str, str] = {}
        self._read(lake.tables())
        self._decide()

    def follow(self, key: str) -> None:
        """Looks for what was committed since to a table, to those that are made from it, and to the models' journal."""
        moved = [table for table in (key, JOURNAL, *self._made_from(key)) if self._has_moved(table)]
        before = [_telling(self.told.get(table, ())) for table in moved]
        self._read(moved)
        if before != [_telling(self.told.get(table, ())) for table in moved]:
            self._decide()

    def newest(self, key: str) -> Commit | None:
        """The newest commit of a table that what is wanted was decided with."""
        told = self.told.get(key, ())
        return None if isinstance(told, PlatformError) or not told else told[-1]

    def _read(self, keys: Iterable[str]) -> None:
        for key, told in self._lake.histories(keys):
            self.told[key] = told
            if not told:
                del self.told[key]  # it was dropped
            elif not isinstance(told, PlatformError):
                self._ends[key], _ = self._since(key, told)

    def _decide(self) -> None:
        histories, lineage = readable(self.told), Lineage.told_by(self.told.items())
        stands = Standing() if JOURNAL in lineage.unreadable else standing(self._models, self._let_go)
        self.wanted = {}
        for want in wants(lineage, histories, stands, deep=self._deep):
            self.wanted.setdefault(want.key, []).append(want)
        self.blind = self._blind(lineage)
        self._readers = _readers(histories, self._graph)

    def _blind(self, lineage: Lineage) -> Mapping[str, str]:
        """A journal that cannot be read may need any table."""
        broken = lineage.unreadable
        if JOURNAL in broken:
            return dict.fromkeys(self.told, JOURNAL)
        return may_need({key: self._lake.stamps_left(key) for key in broken}, self._graph, lineage, deep=self._deep)

    def _made_from(self, key: str) -> Iterable[str]:
        """The tables whose stamps may tell of versions of this one that they need; with `deep`, all that come from it."""
        found: dict[str, None] = {}
        ahead = [key]
        while ahead:
            readers = self._readers.get(ahead.pop(), set()) - found.keys() - {key, JOURNAL}
            found |= dict.fromkeys(sorted(readers))
            ahead += readers if self._deep else ()
        return found

    def _has_moved(self, key: str) -> bool:
        told = self.told.get(key)
        if isinstance(told, PlatformError):
            return True
        if told is None:
            return bool(self._lake.files.names(self._lake.location(key).child("_delta_log")))
        end, newer = self._since(key, told)
        return end != self._ends[key] or bool(versions_in(newer))

    def _since(self, key: str, told: Sequence[Commit]) -> tuple[str, list[str]]:
        return self._lake.files.since(self._lake.location(key).child("_delta_log"), name_of(told[-1].version))


def readable(told: Mapping[str, Told]) -> dict[str, Sequence[Commit]]:
    """The histories of the tables whose logs can be read."""
    return {key: commits for key, commits in told.items() if not isinstance(commits, PlatformError)}


def _telling(told: Told) -> object:
    """What of a log may tell of needs: upkeep's own commits tell of none, and there is one for each table."""
    if isinstance(told, PlatformError):
        return str(told)
    return [
        (commit.version, commit.stamp, commit.restores)
        for commit in told
        if commit.stamp or commit.restores is not None
    ]


def standing(models: Models, gone: Iterable[ModelVersion] = ()) -> Standing:
    """What the journal says of the versions of all models; those just found gone count as let go."""
    aliases: dict[TableVersion, tuple[str, ...]] = {}
    let_go = [*gone]
    for name in models.names():
        for alias, held in sorted(models.aliases(name).items()):
            aliases[_version(held)] = (*aliases.get(_version(held), ()), alias)
        let_go += models.removed(name)
    return Standing(aliases=aliases, let_go=frozenset(map(_version, let_go)))


def _version(held: ModelVersion) -> TableVersion:
    return TableVersion(table_id=held.model_id, version=held.version)


def _readers(histories: Mapping[str, Sequence[Commit]], graph: Graph) -> dict[str, set[str]]:
    """For each table those that read it, by their stamps or by the graph, and what was kept back from these."""
    found: dict[str, set[str]] = {}
    for table, commits in histories.items():
        for read in {name for commit in commits if commit.stamp for name in commit.stamp.inputs}:
            found.setdefault(read, set()).add(table)
    for reader, inputs in graph.inputs.items():
        if isinstance(graph.assets[reader], External | ModelAsset):
            continue
        for reference in inputs.values():
            found.setdefault(reference.key, set()).update({reader, f"{QUARANTINE}.{reader}"})
    return found
