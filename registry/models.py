"""The registered models: kept with their stamps, moved between aliases with reasons, loaded to predict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from lakehouse.errors import CommitTaken
from lakehouse.stamp import Stamp
from registry import outside
from registry.aliases import STAGES, read_model, read_versions
from registry.comparison import Comparison, Promotion, compared, judged, registration, removal
from registry.door import opened, told
from registry.errors import NotBetter
from registry.journal import BY_HAND, Event, Journal, JournalTable, Told
from registry.model import Dataset, ModelVersion, TrainedModel
from registry.moving import Step, carry_out, carry_out_elsewhere, intend, settle
from registry.process import is_at_work
from registry.promote import Rule
from registry.saving import Hook, Saving
from registry.settings import RegistrySettings

if TYPE_CHECKING:
    from registry.agreement import Agreement
    from registry.loading import LoadedModel


class Models:
    """The models of one MLflow store, and their journal in one lake."""

    def __init__(self, settings: RegistrySettings, lake: JournalTable, passing: Hook = lambda point: None) -> None:
        self.settings = settings
        self._journal = Journal(lake)
        self._passing = passing

    @classmethod
    def from_env(cls, lake: JournalTable) -> Self:
        """The models of the store that the environment names."""
        return cls(RegistrySettings.from_env(), lake)

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
        self, name: str, train: Callable[[], TrainedModel], stamp: Stamp, datasets: Sequence[Dataset]
    ) -> ModelVersion:
        """Keeps one training: in MLflow, then in one commit of the journal, then under the alias `candidate`.

        Tried again after a crash it goes on where it was, and calls `train` only where no model was left behind. A
        stamp of the same fingerprint and a higher sequence is a training of its own.
        """
        journal = self._journal.read()
        if (done := _published(journal, name, stamp)) is not None:
            self._notice(name)
            return done
        with told(self.settings, "open its store"):
            client = opened(self.settings)
        saving = Saving(
            settings=self.settings, client=client, journal=journal, name=name, stamp=stamp, passing=self._passing
        )
        version = saving.registered(train, datasets)
        journal = self._journal.read()
        if (done := _published(journal, name, stamp)) is not None:
            return done
        by, why = f"run {stamp.run}", "newest trained"
        carry_out(self.settings, [intend(name, "candidate", version.version, by=by, why=why)])
        event = registration(version, journal.aliases(name).get("candidate"), by, why)
        self._journal.record(event)
        self._passing("journaled")
        alias = Step(do="alias", model=name, name="candidate", value=str(version.version))
        carry_out(self.settings, [alias, settle(name, "candidate")])
        return event.model_version

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
    ) -> Promotion:
        """Moves an alias to a version, in MLflow and then in the journal; a worse version only for a reason."""
        self.compare(name, version, alias, rule)  # refuses what is not known before MLflow is asked
        self._notice(name)
        comparison = self.compare(name, version, alias, rule)
        if comparison.is_there:
            return Promotion(comparison=comparison, event=None)
        if not comparison.decision.better and not why.strip():
            raise NotBetter(name, version, alias, comparison.decision.reasons)
        told_why = why.strip() or "; ".join(comparison.decision.reasons)
        stage = next((s for s, successor in STAGES.items() if successor == alias), None) if self._mirrors else None
        steps = [intend(name, alias, version, by=by, why=told_why, stage=stage)]
        if stage is not None:
            steps.append(Step(do="stage", model=name, name=stage, value=str(version)))
        steps.append(Step(do="alias", model=name, name=alias, value=str(version)))
        carry_out(self.settings, steps)
        self._passing("moved")
        standing = self.alias(name, alias)  # another promotion may have been journaled since the comparison
        moved = self._move(comparison, by, told_why, is_staged=stage is not None)
        event = replace(moved, from_version=standing.version if standing else None)
        self._journal.record(event, run=run)
        carry_out(self.settings, [settle(name, alias)])
        return Promotion(comparison=comparison, event=event)

    def reject(self, name: str, version: int, alias: str, *, by: str, why: str, run: str = BY_HAND) -> Event:
        """Journals that somebody looked at a version and left the alias where it is."""
        comparison = self.compare(name, version, alias)
        event = judged("rejected", comparison, by, why)
        self._journal.record(event, run=run)
        return event

    def agreement(self) -> "Agreement":
        """Whether MLflow tells of every registered version what the journal tells."""
        from registry.agreement import agreement

        return agreement(self.settings, self._journal.read())

    def removed(self, name: str) -> tuple[ModelVersion, ...]:
        """The versions of a model that somebody deleted from MLflow; from the journal."""
        return self._journal.read().removed(name)

    def gone(self) -> tuple[ModelVersion, ...]:
        """The registered versions that MLflow no longer has and the journal does not tell of yet.

        A store that does not know a model, or knows another one of its name, says nothing of its versions.
        """
        if self.settings.database is not None and not self.settings.database.exists():
            return ()
        journal = self._journal.read()
        found: list[ModelVersion] = []
        for name in journal.models:
            shown = read_model(self.settings, name)
            if shown is None:
                continue
            held = read_versions(self.settings, name)
            told_of = journal.removed(name)
            for version in journal.versions(name):
                if version.model_id == shown.model_id and version.version not in held and version not in told_of:
                    found.append(version)
        return tuple(found)

    def let_go(self) -> tuple[ModelVersion, ...]:
        """Journals the versions that somebody deleted from MLflow: what they were trained on need not stay readable."""
        found = self.gone()
        for version in found:
            self._journal.record(removal(version, datetime.now(UTC)))
        return found

    def load(self, name: str, version: int) -> "LoadedModel":
        """A version, in this process, to predict with."""
        from registry.loading import load

        return load(self.settings, name, version)

    def notice_outside_moves(self) -> tuple[Event, ...]:
        """Journals what others moved in MLflow, lets an alias follow its old stage, and ends moves left unfinished."""
        return tuple(event for name in self.names() for event in self._notice(name))

    @property
    def _mirrors(self) -> bool:
        return self.settings.mirror_stages

    def _notice(self, name: str) -> tuple[Event, ...]:
        if self.settings.database is not None and not self.settings.database.exists():
            return ()  # a store that is not there says nothing about its models
        journal = self._journal.read()
        while True:
            shown = read_model(self.settings, name)
            found = outside.compare(
                journal, name, shown, datetime.now(UTC), lambda i: is_at_work(i.process, i.at, datetime.now(UTC))
            )
            if not found:
                return ()
            # Only a look at the store that lies between two equal looks at the journal can be compared with it.
            before, journal = journal, self._journal.read()
            if before.of(name) == journal.of(name):
                break
        carry_out_elsewhere(self.settings, found.steps)
        for event in found.events:
            self._journal.record(event)
        carry_out_elsewhere(self.settings, found.settles)
        return found.events

    def _move(self, comparison: Comparison, by: str, why: str, *, is_staged: bool) -> Event:
        event = judged("moved", comparison, by, why)
        shown = read_model(self.settings, comparison.name) if is_staged else None
        return event if shown is None else replace(event, stages=shown.stages)


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
