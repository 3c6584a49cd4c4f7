"""The registered models: kept with their stamps, moved between aliases with reasons, loaded to predict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from lakehouse.errors import CommitTaken
from lakehouse.ledger import LedgerTable
from lakehouse.stamp import Stamp
from registry import removed
from registry.aliases import STAGES, read_model
from registry.comparison import Comparison, Promotion, compared, judged, registration
from registry.door import opened, told
from registry.errors import NotBetter
from registry.journal import BY_HAND, Event, Journal, Told
from registry.model import Dataset, ModelVersion, TrainedModel
from registry.moving import carry_out_elsewhere, follow_journal, intent_of, stages_after, turned_down
from registry.noticing import moving, notice
from registry.promote import Rule
from registry.saving import Hook, Saving
from registry.settings import RegistrySettings

if TYPE_CHECKING:
    from registry.agreement import Agreement
    from registry.loading import LoadedModel


class Models:
    """The models of one MLflow store, and their journal in one lake."""

    def __init__(self, settings: RegistrySettings, lake: LedgerTable, passing: Hook = lambda point: None) -> None:
        self.settings = settings
        self._journal = Journal(lake)
        self._passing = passing

    @classmethod
    def from_env(cls, lake: LedgerTable) -> Self:
        """The models of the store that the environment names."""
        return cls(RegistrySettings.from_env(), lake)

    @staticmethod
    def prepare() -> None:
        """Makes ready to train and load models in several threads."""
        from registry import flavors

        flavors.import_libraries()

    def names(self) -> tuple[str, ...]:
        """All models that were ever registered; from the journal."""
        return self._journal.read().models

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """The registered versions of a model, oldest first; from the journal."""
        return self._journal.read().versions(name)

    def aliases(self, name: str) -> Mapping[str, ModelVersion]:
        """The version that each alias of a model stands at; from the journal."""
        return self._journal.read().aliases(name)

    def aliases_in_mlflow(self, name: str) -> Mapping[str, int]:
        """What MLflow itself says at this moment."""
        shown = read_model(self.settings, name)
        return shown.aliases if shown else {}

    def alias(self, name: str, alias: str) -> ModelVersion | None:
        """The version that an alias of a model stands at; from the journal."""
        return self.aliases(name).get(alias)

    def events(self, name: str | None = None) -> tuple[Event, ...]:
        """What the journal tells of one model or of all, oldest first."""
        journal = self._journal.read()
        return journal.events if name is None else journal.of(name)

    def save(
        self,
        name: str,
        train: Callable[[], TrainedModel],
        stamp: Stamp,
        datasets: Sequence[Dataset],
        *,
        confirm: Callable[[], None] = lambda: None,
    ) -> ModelVersion:
        """Keeps one training: in MLflow, then in one commit of the journal, then under the alias `candidate`.

        Tried again after a crash it goes on where it was, and calls `train` only where no model was left behind. A
        stamp of the same fingerprint and a higher sequence is a training of its own. `confirm` is called just before the
        commit; where it raises, nothing is journaled and no alias is moved.
        """
        journal = self._journal.read()
        if (done := _published(journal, name, stamp)) is not None:
            notice(self.settings, self._journal, name)
            return done
        with told(self.settings, "open its store"):
            client = opened(self.settings)
        saving = Saving(
            settings=self.settings, client=client, journal=journal, name=name, stamp=stamp, passing=self._passing
        )
        version = saving.registered(train, datasets)
        intent = intent_of(
            self.settings, name, "candidate", version.version, by=f"run {stamp.run}", why="newest trained"
        )

        def asked(told: Told) -> Event | None:
            if _published(told, name, stamp) is not None:
                return None
            confirm()
            before = told.aliases(name).get("candidate")
            return registration(version, before, at=intent.at, by=intent.by, why=intent.why)

        with moving(self.settings, self._journal, name, intent):
            event = self._journal.record(asked)
            self._passing("journaled")
            follow_journal(self.settings, self._journal, name, "candidate", None)
        done = _published(self._journal.read(), name, stamp) if event is None else event.model_version
        assert done is not None
        return done

    def compare(self, name: str, version: int, alias: str, rule: Rule | None = None) -> Comparison:
        """A version beside the one that the alias stands at, and whether the rule calls it better."""
        return compared(self._journal.read(), name, version, alias, rule or Rule())

    def promote(
        self,
        name: str,
        version: int,
        alias: str,
        *,
        by: str,
        why: str = "",
        rule: Rule | None = None,
        run: str = BY_HAND,
        still: Callable[[Told], bool] = lambda told: True,
    ) -> Promotion:
        """Moves an alias to a version, in the journal and then in MLflow; a worse version only for a reason.

        Where the journal cannot be written to, nothing is moved. Of two promotions at once, the one that is journaled last
        stays; one that is asked for `still` is left where the journal by then says otherwise.
        """
        self.compare(name, version, alias, rule)  # refuses what is not known before MLflow is asked
        notice(self.settings, self._journal, name)
        comparison = self.compare(name, version, alias, rule)
        if not _has_to_move(comparison, why):
            return Promotion(comparison=comparison, event=None)
        told_why = why.strip() or "; ".join(comparison.decision.reasons)
        stage = next((s for s, successor in STAGES.items() if successor == alias), None) if self._mirrors else None
        stages = None if stage is None else stages_after(self.settings, name, version, stage)
        intent = intent_of(self.settings, name, alias, version, by=by, why=told_why, stage=stage)

        def asked(told: Told) -> Event | None:
            nonlocal comparison
            comparison = compared(told, name, version, alias, rule or Rule())
            event = judged("moved", comparison, at=intent.at, by=by, why=told_why)
            return replace(event, stages=stages) if still(told) and _has_to_move(comparison, why) else None

        with moving(self.settings, self._journal, name, intent):
            event = self._journal.record(asked, run=run)
            self._passing("journaled")
            follow_journal(self.settings, self._journal, name, alias, stage)
        return Promotion(comparison=comparison, event=event)

    def reject(
        self,
        name: str,
        version: int,
        alias: str,
        *,
        by: str,
        why: str,
        run: str = BY_HAND,
        still: Callable[[Told], bool] = lambda told: True,
    ) -> Event | None:
        """Journals that somebody looked at a version and left the alias where it is, and tags the version in MLflow.

        None where it is asked for `still`, and the journal by then says otherwise.
        """
        at = datetime.now(UTC)

        def asked(told: Told) -> Event | None:
            if not still(told):
                return None
            return judged("rejected", compared(told, name, version, alias, Rule()), at=at, by=by, why=why)

        event = self._journal.record(asked, run=run)
        if event is None:
            return None
        carry_out_elsewhere(self.settings, (turned_down(name, version, alias, by=by, why=why),))
        return event

    def agreement(self) -> "Agreement":
        """Whether MLflow tells of every registered version what the journal tells."""
        from registry.agreement import agreement

        return agreement(self.settings, self._journal.read())

    def removed(self, name: str) -> tuple[ModelVersion, ...]:
        """The versions of a model that somebody deleted from MLflow; from the journal."""
        return self._journal.read().removed(name)

    def gone(self) -> tuple[ModelVersion, ...]:
        """The registered versions that MLflow no longer has and the journal does not tell of yet."""
        return removed.gone(self.settings, self._journal.read())

    def let_go(self) -> tuple[ModelVersion, ...]:
        """Journals the versions that somebody deleted from MLflow: what they were trained on need not stay readable."""
        return removed.let_go(self.settings, self._journal)

    def load(self, name: str, version: int) -> "LoadedModel":
        """A version, in this process, to predict with."""
        from registry.loading import load

        return load(self.settings, name, version)

    def notice_outside_moves(self) -> tuple[Event, ...]:
        """Journals what others moved in MLflow, lets an alias follow its old stage, and ends moves left unfinished."""
        return tuple(event for name in self.names() for event in notice(self.settings, self._journal, name))

    @property
    def _mirrors(self) -> bool:
        return self.settings.mirror_stages


def _has_to_move(comparison: Comparison, why: str) -> bool:
    """Whether the alias is elsewhere; a worse version needs a reason."""
    c = comparison
    if not c.is_there and not c.decision.better and not why.strip():
        raise NotBetter(c.name, c.challenger.version, c.alias, c.decision.reasons)
    return not c.is_there


def _published(journal: Told, name: str, stamp: Stamp) -> ModelVersion | None:
    """The version that was journaled under the stamp's sequence, where it is the same; another one is in the way."""
    for version in reversed(journal.versions(name)):
        other = version.stamp
        if (
            other
            and (other.asset, other.partition) == (stamp.asset, stamp.partition)
            and other.sequence >= stamp.sequence
        ):
            if other.sequence == stamp.sequence and other.fingerprint == stamp.fingerprint:
                return version
            raise CommitTaken(stamp.asset, stamp.sequence)
    return None
