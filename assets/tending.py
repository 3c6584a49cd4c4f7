"""Upkeep of a lake's tables: what could go and why the rest stays, and doing it, each table by the engine that writes it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from assets import catalog
from assets.asset import External
from assets.graph import Graph
from assets.key import OWN_TABLES
from assets.lineage import Lineage
from assets.needs import Needs, Told, readable, standing
from assets.observe import location_of
from assets.select import select
from assets.upkeep import Kept, Want, dropped, keep, wants
from lakehouse.engine import EngineName
from lakehouse.errors import PlatformError
from lakehouse.history import Commit
from lakehouse.lake import QUARANTINE, Lake
from lakehouse.upkeep import Amount, Need, look, missing_files
from registry.model import ModelVersion
from registry.models import Models

GRACE = timedelta(days=7)
"""How long a version that was the newest stays readable for runs that began before the next one came."""
_UNKNOWN_LOG = "its log no longer tells of all files, as its first commits were cleaned away: left alone"
_NEEDED_BY_UNREADABLE = "any version of it may be needed by {}, whose log cannot be read: left alone"
_ANOTHER_TABLE = "it was dropped or made anew since upkeep began: left alone"
_UNKNOWN_WRITER = "its log does not say which engine writes it: left alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What upkeep does, or did, for one table.

    `lost` are versions that are wanted and can no longer be read, with why they are wanted; `note` says why a table was
    left alone.
    """

    key: str
    engine: EngineName | None = None
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
        needs = Needs(self.lake, self.models, self.graph, let_go, deep=deep)
        tables = [
            self._tend(key, needs, grace, dry_run=dry_run)
            for key, told in list(needs.told.items())
            if self._is_ours(key, told) and (chosen is None or key.removeprefix(f"{QUARANTINE}.") in chosen)
        ]
        return Upkeep(tables=tuple(tables), let_go=let_go)

    def _chosen(self, selection: str) -> frozenset[str] | None:
        """The selected keys; None for all tables that this lake's stamps tell of, whoever declares them."""
        if (named := selection.strip()) in OWN_TABLES:
            return frozenset({named})
        return None if named == "*" else frozenset(select(self.graph, selection))

    def _is_ours(self, key: str, commits: Told) -> bool:
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

    def _tend(self, key: str, needs: Needs, grace: timedelta, *, dry_run: bool) -> Tended:
        """One table; its error is told in the answer, for the others go on."""
        now, tended = self._clock(), Tended(key=key)
        try:
            tended, need = self._looked(key, needs, grace, now)
            if dry_run or need is None or not need.asks:
                return tended
            before = needs.newest(key)
            needs.follow(key)  # since upkeep began, others may have come to need what nobody needed
            if not _is_same(before, needs.newest(key)):
                return Tended(key=key, note=_ANOTHER_TABLE)
            tended, need = self._looked(key, needs, grace, now)
            return tended if need is None or not need.asks else self._work(tended, need, needs, grace, now)
        except PlatformError as error:
            return replace(tended, removed=Amount(), compacted=Amount(), error=error)

    def _looked(self, key: str, needs: Needs, grace: timedelta, now: datetime) -> tuple[Tended, Need | None]:
        """What there is to do for a table; nothing, with a note or an error, where it is to be left alone."""
        tended, commits = Tended(key=key), needs.told.get(key, ())
        if isinstance(commits, PlatformError):
            return replace(tended, error=commits), None
        if key in needs.blind:
            return replace(tended, note=_NEEDED_BY_UNREADABLE.format(needs.blind[key])), None
        listed = needs.wanted.get(key, ())
        tended = replace(tended, kept=keep(commits, listed, now - grace))
        need = self._look(tended, needs, grace, now)
        if need is None:
            return replace(tended, note=_UNKNOWN_LOG), None
        engine = self.lake.writer(key, commits)
        tended = replace(tended, lost=_lost(tended.kept, need.lost, dropped(commits, listed)))
        if engine is None:
            return replace(tended, note=_UNKNOWN_WRITER), None
        return replace(tended, engine=engine, removed=need.removes, compacted=need.compacts), need

    def _work(self, tended: Tended, need: Need, needs: Needs, grace: timedelta, now: datetime) -> Tended:
        """Does what there is to do, and tells by another look what was done."""
        assert tended.engine
        self._report(f"tending {tended.key}")
        care, location = self.lake.care(tended.engine), need.removal.location
        if need.removes.files:
            care.remove(need.removal)
        if need.compacts.files:
            care.compact(location)
        left = self._look(tended, needs, grace, now)
        files = need.removal.files.keys() - (left.removal.files.keys() if left else ())
        return replace(
            tended,
            removed=Amount.of(need.removal.files[path] for path in files),
            compacted=need.compacts if left and left.compacts != need.compacts else Amount(),
        )

    def _look(self, tended: Tended, needs: Needs, grace: timedelta, now: datetime) -> Need | None:
        kept, newest = [each.version for each in tended.kept], needs.newest(tended.key)
        location, known = self.lake.location(tended.key), newest.version if newest else 0
        return look(self.lake.files, location, kept, grace, now, known=known)


def lost_to_models(lake: Lake, models: Models, graph: Graph) -> tuple[int, tuple[str, ...]]:
    """How many versions of the lake's tables models were trained on, and those that can no longer be read."""
    told = dict(lake.histories())
    histories, lineage = readable(told), Lineage.told_by(told.items())
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


def _is_same(before: Commit | None, after: Commit | None) -> bool:
    return before is not None and after is not None and before.table_id == after.table_id


def _gone(lake: Lake, key: str, commits: Sequence[Commit], wanted: Sequence[Want]) -> list[str]:
    """The wanted versions of one table that can no longer be read."""
    gone = dropped(commits, wanted)
    missing = missing_files(lake.files, lake.location(key), {w.table.version for w in wanted if w not in gone})
    return [
        f"{key} {want.table}{' of a table that was dropped' if want in gone else ''} ({want.why})"
        for want in wanted
        if want in gone or want.table.version in missing
    ]


def _lost(kept: Iterable[Kept], lost: Mapping[int, int], gone: Iterable[Want]) -> tuple[str, ...]:
    told = [
        f"v{each.version} has lost {lost[each.version]} files ({'; '.join(each.why)})"
        for each in kept
        if each.version in lost and each.why
    ]
    return (*told, *(f"{want.table} was of a table that was dropped ({want.why})" for want in gone))
