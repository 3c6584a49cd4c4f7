"""Upkeep of a lake's tables: what could go and why the rest stays, and doing it, each table by the engine that writes it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from assets import catalog
from assets.asset import External
from assets.graph import Graph
from assets.lineage import Lineage
from assets.observe import location_of
from assets.select import select
from assets.upkeep import Histories, Kept, Standing, Want, dropped, keep, may_need, wants
from lakehouse.engine import EngineName
from lakehouse.errors import PlatformError
from lakehouse.history import Commit
from lakehouse.lake import QUARANTINE, Lake
from lakehouse.table import TableVersion
from lakehouse.upkeep import Amount, Need, look, missing_files
from registry.journal import KEY as JOURNAL
from registry.model import ModelVersion
from registry.models import Models

GRACE = timedelta(days=7)
"""How long a version that was the newest stays readable for runs that began before the next one came."""
_UNKNOWN_LOG = "its log no longer tells of all files, as its first commits were cleaned away: left alone"
_NEEDED_BY_UNREADABLE = "any version of it may be needed by {}, whose log cannot be read: left alone"
_UNKNOWN_WRITER = "its log does not say which engine writes it: left alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What upkeep does, or did, for one table.

    `lost` are versions that are wanted and can no longer be read, with why they are wanted; `note` says why a table was
    left alone.
    """

    key: str
    engine: str = ""
    removed: Amount = field(default_factory=Amount)
    compacted: Amount = field(default_factory=Amount)
    kept: tuple[Kept, ...] = ()
    lost: tuple[str, ...] = ()
    note: str = ""
    error: PlatformError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What came of all tables; `let_go` are model versions that a person removed from MLflow since the last time."""

    tables: tuple[Tended, ...]
    let_go: tuple[ModelVersion, ...]

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed; a version that was lost before is for the doctor to tell."""
        return all(table.error is None for table in self.tables)


class Tender:
    """Keeps the tables of one lake small, without taking a version from anybody who needs it."""

    def __init__(
        self,
        lake: Lake,
        models: Models,
        graph: Graph,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.lake, self.models, self.graph = lake, models, graph
        self._clock, self._report = clock, report

    @classmethod
    def from_env(cls, report: Callable[[str], None] = lambda line: None) -> Self:
        """The lake, models and graph that the environment names."""
        graph = catalog.load()
        lake = Lake.from_env(report)
        return cls(lake, Models.from_env(lake), graph, report=report)

    def run(
        self, selection: str = "*", *, grace: timedelta = GRACE, deep: bool = False, dry_run: bool = False
    ) -> Upkeep:
        """Puts small files together and removes old ones of the selected tables; `dry_run` only looks."""
        chosen = self._chosen(selection)
        let_go = self._let_go(dry_run=dry_run)
        told = dict(self.lake.histories())
        histories, lineage = _readable(told), Lineage.told_by(told.items())
        stands = Standing() if JOURNAL in lineage.unreadable else standing(self.models, let_go)
        wanted = wants(lineage, histories, stands, deep=deep)
        blind = self._blind(lineage, deep=deep)
        tables = [
            _left_alone(key, commits, blind.get(key))
            or self._tend(key, histories, [want for want in wanted if want.key == key], grace, dry_run=dry_run)
            for key, commits in told.items()
            if self._is_ours(key, commits) and (chosen is None or key.removeprefix(f"{QUARANTINE}.") in chosen)
        ]
        return Upkeep(tables=tuple(tables), let_go=let_go)

    def _blind(self, lineage: Lineage, *, deep: bool) -> dict[str, str]:
        """The tables of which nobody knows what is needed, each with whose log does not tell; a journal's is of them all."""
        broken = lineage.unreadable
        if JOURNAL in broken:
            return dict.fromkeys(self.lake.tables(), JOURNAL)
        return may_need({key: self.lake.stamps_left(key) for key in broken}, self.graph, lineage, deep=deep)

    def _chosen(self, selection: str) -> frozenset[str] | None:
        """The selected keys; None for all tables that this lake's stamps tell of, whoever declares them."""
        return None if selection.strip() == "*" else frozenset(select(self.graph, selection))

    def _is_ours(self, key: str, commits: Sequence[Commit] | PlatformError) -> bool:
        foreign = {location_of(self.lake, a) for a in self.graph.assets.values() if isinstance(a, External) and a.table}
        if self.lake.location(key) in foreign:
            return False
        return isinstance(commits, PlatformError) or any(commit.stamp for commit in commits)

    def _let_go(self, *, dry_run: bool) -> tuple[ModelVersion, ...]:
        try:
            return self.models.gone() if dry_run else self.models.let_go()
        except PlatformError as error:
            self._report(f"whether models were removed from MLflow was not looked at, so all count: {error}")
            return ()

    def _tend(
        self, key: str, histories: Histories, wanted: Iterable[Want], grace: timedelta, *, dry_run: bool
    ) -> Tended:
        """One table; its error is told in the answer, for the others go on."""
        listed, now = list(wanted), self._clock()
        kept = keep(histories[key], listed, now - grace)
        tended = Tended(key=key, kept=kept)
        try:
            need = self._look(key, kept, grace, now)
            if need is None:
                return replace(tended, note=_UNKNOWN_LOG)
            tended = replace(tended, engine=need.engine, lost=_lost(kept, need.lost, dropped(histories[key], listed)))
            if need.engine not in {"spark", "duckdb"}:
                return replace(tended, note=_UNKNOWN_WRITER)
            if dry_run:
                return replace(tended, removed=need.removes, compacted=need.compacts)
            return self._work(tended, need, lambda: self._look(key, kept, grace, now))
        except PlatformError as error:
            return replace(tended, error=error)

    def _work(self, tended: Tended, need: Need, look_again: Callable[[], Need | None]) -> Tended:
        if not (need.removes.files or need.compacts.files):
            return tended
        self._report(f"tending {tended.key}")
        name: EngineName = "spark" if need.engine == "spark" else "duckdb"
        care, location = self.lake.care(name), need.removal.location
        if need.removes.files:
            care.remove(need.removal)
        if need.compacts.files:
            care.compact(location)
        left = look_again()
        files = need.removal.files.keys() - (left.removal.files.keys() if left else ())
        return replace(
            tended,
            removed=Amount.of(need.removal.files[path] for path in files),
            compacted=need.compacts if left and left.compacts != need.compacts else Amount(),
        )

    def _look(self, key: str, kept: Iterable[Kept], grace: timedelta, now: datetime) -> Need | None:
        return look(self.lake.files, self.lake.location(key), [each.version for each in kept], grace, now)


def lost_to_models(lake: Lake, models: Models, graph: Graph) -> tuple[int, tuple[str, ...]]:
    """How many versions of the lake's tables models were trained on, and those that can no longer be read."""
    told = dict(lake.histories())
    histories, lineage = _readable(told), Lineage.told_by(told.items())
    elsewhere = {key for key, asset in graph.assets.items() if isinstance(asset, External)}
    elsewhere |= lineage.versions.keys() - told.keys()
    wanted = [w for w in wants(lineage, histories, standing(models)) if w.is_of_model and w.key not in elsewhere]
    lost: list[str] = []
    for key in dict.fromkeys(want.key for want in wanted):
        listed = [want for want in wanted if want.key == key]
        try:
            if isinstance(broken := told.get(key), PlatformError):
                raise broken
            lost += _gone(lake, key, histories.get(key, ()), listed)
        except PlatformError as error:
            lost += [f"{key} {want.table} ({want.why}), for {error}" for want in listed]
    return len({(want.key, want.table) for want in wanted}), tuple(lost)


def _readable(told: Mapping[str, Sequence[Commit] | PlatformError]) -> dict[str, Sequence[Commit]]:
    return {key: commits for key, commits in told.items() if not isinstance(commits, PlatformError)}


def _left_alone(key: str, commits: Sequence[Commit] | PlatformError, reader: str | None) -> Tended | None:
    """What is told of a table that cannot be tended, or that a table may need of which nobody knows what it needs."""
    if isinstance(commits, PlatformError):
        return Tended(key=key, error=commits)
    return Tended(key=key, note=_NEEDED_BY_UNREADABLE.format(reader)) if reader else None


def _gone(lake: Lake, key: str, commits: Sequence[Commit], wanted: Sequence[Want]) -> list[str]:
    """The wanted versions of one table that can no longer be read."""
    gone = dropped(commits, wanted)
    missing = missing_files(lake.files, lake.location(key), {w.table.version for w in wanted if w not in gone})
    return [
        f"{key} {want.table}{' of a table that was dropped' if want in gone else ''} ({want.why})"
        for want in wanted
        if want in gone or want.table.version in missing
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


def _lost(kept: Iterable[Kept], lost: Mapping[int, int], gone: Iterable[Want]) -> tuple[str, ...]:
    told = [
        f"v{each.version} has lost {lost[each.version]} files ({'; '.join(each.why)})"
        for each in kept
        if each.version in lost and each.why
    ]
    return (*told, *(f"{want.table} was of a table that was dropped ({want.why})" for want in gone))
