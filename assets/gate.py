"""The gate before an alias: which version is meant, how it compares, and the move."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from assets.asset import ModelAsset
from assets.catalog import load
from assets.errors import DecidedMeanwhile, TurnedDown
from assets.graph import Graph
from assets.jobs import is_table
from assets.observe import location_of
from assets.predicted import Agreement, agreement, predicted_by
from assets.review import GATES, Standing, standing
from assets.step import Predictions
from lakehouse.errors import PlatformError
from lakehouse.lake import Lake
from lakehouse.table import Location
from observability.drift import ColumnDrift
from registry.comparison import Comparison, Promotion
from registry.errors import NotBetter, NothingToPromote, UnknownAlias, UnknownModel, UnknownVersion
from registry.journal import BY_HAND, Event, Told
from registry.models import Models
from registry.promote import Rule
from registry.settings import RegistrySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The aliases of one model, which a person moves, or its rule; `gates` says which, by alias, where it is no person."""

    name: str
    rule: Rule
    gates: Mapping[str, str]
    models: Models
    lake: Lake
    graph: Graph

    @classmethod
    def from_env(cls, name: str, *, mirror_stages: bool) -> Self:
        """The model of that name, compared by the metric that its definition tells."""
        settings = RegistrySettings.from_env()
        if mirror_stages:
            settings = settings.model_copy(update={"lakeline_mirror_stages": True})
        return cls.of(name, settings, Lake.from_env())

    @classmethod
    def of(cls, name: str, settings: RegistrySettings, lake: Lake) -> Self:
        """The same for a registry and a lake that are known."""
        models = Models(settings, lake)
        models.notice_outside_moves()
        if name not in models.names():
            raise UnknownModel(name, models.names())
        graph = load()
        declared = _declared(graph, name)
        rule = Rule(metric=declared.metric, higher_is_better=declared.higher_is_better) if declared else Rule()
        return cls(
            name=name, rule=rule, gates=declared.gates if declared else {}, models=models, lake=lake, graph=graph
        )

    def chosen(self, alias: str, version: int | None) -> int:
        """The version that is meant; without a number, the one that waits before the gate."""
        if alias not in GATES:
            raise UnknownAlias(alias, tuple(GATES))
        if version is not None:
            return version
        waiting = self.models.alias(self.name, GATES[alias])
        if waiting is None:
            raise NothingToPromote(self.name, GATES[alias], alias)
        return waiting.version

    def compare(self, alias: str, version: int) -> Comparison:
        """The version beside the one that the alias stands at."""
        return self.models.compare(self.name, version, alias, self.rule)

    def rows_between(self, comparison: Comparison) -> dict[str, tuple[int, int]]:
        """How many rows were added and removed between the two versions of each table that both were trained on."""
        pairs = self._pairs(comparison).items()
        return {key: self.lake.rows_between(self._location(key), before, after) for key, (before, after) in pairs}

    def drift_between(self, comparison: Comparison) -> dict[str, tuple[ColumnDrift, ...]]:
        """How far each numeric column moved between the two versions of each table that both were trained on."""
        pairs = self._pairs(comparison).items()
        found = {key: self.lake.distances(self._location(key), before, after) for key, (before, after) in pairs}
        return {key: tuple(ColumnDrift.of(distance) for distance in each) for key, each in found.items()}

    def predicted(self, table: str, version: int) -> int | None:
        """The newest version of a table that a version of the model has predicted; None where it has not yet."""
        known = [each for each in self.models.versions(self.name) if each.version == version]
        return predicted_by(self.lake, table, known[-1]) if known else None

    def agreement_between(self, comparison: Comparison, shown: Predictions) -> Agreement | None:
        """What the version predicts, beside the one that the alias stands at; None where it has predicted nothing yet."""
        after, champion = self.predicted(shown.table, comparison.challenger.version), comparison.champion
        if after is None:
            return None
        before = None if champion is None else self.predicted(shown.table, champion.version)
        try:
            return agreement(self.lake, shown.table, shown.of, shown.by, before, after)
        except PlatformError:  # what was predicted before may be cleaned away
            return agreement(self.lake, shown.table, shown.of, shown.by, None, after)

    def _location(self, key: str) -> Location:
        asset = self.graph.assets.get(key)
        return self.lake.location(key) if asset is None else location_of(self.lake, asset)

    def _pairs(self, comparison: Comparison) -> dict[str, tuple[int, int]]:
        return {
            key: (before, after)
            for key, (before, after) in comparison.inputs.items()
            if before is not None and after is not None and self._is_one_table(comparison, key)
            if key not in self.graph.assets or is_table(self.graph, key)
        }

    def check(self, comparison: Comparison, seen: Standing, why: str) -> None:
        """Refuses a version that comes without a reason where it is worse, or was turned down."""
        c = comparison
        if why.strip() or c.is_there:
            return
        if not c.decision.better:
            raise NotBetter(c.name, c.challenger.version, c.alias, c.decision.reasons)
        if seen == "rejected":
            version = c.challenger.version
            told = [e for e in self._decisions(c.alias) if e.event == "rejected" and e.version == version]
            raise TurnedDown(c.name, version, c.alias, _told(told[-1]))

    def standing(self, alias: str, version: int) -> Standing:
        """What has become of a version before the gate."""
        journal = Told(events=self.models.events())
        known = [each for each in journal.versions(self.name) if each.version == version]
        if not known:
            raise UnknownVersion(
                self.name, version, tuple(each.version for each in journal.versions(self.name)), "the journal"
            )
        if any((gone.name, gone.version) == (self.name, version) for gone in self.models.gone()):
            return "removed"
        return standing(journal, self.name, alias, known[-1])

    def is_ruled(self, alias: str) -> bool:
        """Whether the rule answers, and no person."""
        return self.gates.get(alias) == "rule"

    def answer(
        self, comparison: Comparison, seen: Standing, *, is_yes: bool, by: str, why: str, run: str = BY_HAND
    ) -> Promotion:
        """Moves the alias or turns the version down, and journals who did it and why.

        Only if the version stands by then as it was `seen`, beside the champion that it was compared with: what others have
        decided meanwhile stays, and there is no event.
        """
        name, version, alias = self.name, comparison.challenger, comparison.alias

        def still(told: Told) -> bool:
            return (standing(told, name, alias, version), told.aliases(name).get(alias)) == (seen, comparison.champion)

        if is_yes:
            return self.models.promote(
                name, version.version, alias, by=by, why=why, rule=self.rule, run=run, still=still
            )
        told_why = why.strip() or "answered no"
        event = self.models.reject(name, version.version, alias, by=by, why=told_why, run=run, still=still)
        return Promotion(comparison=comparison, event=event)

    def refuse_late(self, promotion: Promotion) -> None:
        """Raises where others have decided meanwhile."""
        c = promotion.comparison
        if promotion.event is None and not c.is_there:
            decided = [_told(event) for event in self._decisions(c.alias)]
            raise DecidedMeanwhile(
                c.name, c.challenger.version, c.alias, decided[-1] if decided else "a newer one waits"
            )

    def _decisions(self, alias: str) -> tuple[Event, ...]:
        return tuple(event for event in self.models.events(self.name) if event.alias == alias)

    @staticmethod
    def _is_one_table(comparison: Comparison, key: str) -> bool:
        stamps = [
            v.stamp for v in (comparison.champion, comparison.challenger) if v is not None and v.stamp is not None
        ]
        read = [stamp.inputs[key] for stamp in stamps if key in stamp.inputs]
        return len({each.table for each in read if each.alias is None}) == 1


def _told(event: Event) -> str:
    """A decision, by whom and why."""
    did = (
        f"moved it to version {event.to_version}" if event.event == "moved" else f"turned down version {event.version}"
    )
    return f"{event.by} {did} at {event.at:%Y-%m-%d %H:%M:%S} UTC: {event.why}"


def _declared(graph: Graph, name: str) -> ModelAsset | None:
    found = (a for key, a in graph.assets.items() if isinstance(a, ModelAsset) and key.split(".")[1] == name)
    return next(found, None)
