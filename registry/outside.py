"""Moves that others made in MLflow, and moves left unfinished: what it shows against what the journal tells. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from registry.aliases import STAGES, RegisteredModel
from registry.journal import Event, Told
from registry.moving import Intent, Step, decode_intent, settle
from registry.tags import MOVING

FOUND = "found moved in MLflow"
OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a comparison makes necessary: first the steps in MLflow, then the events, then the settling.

    `behind` has the aliases, each with the old stage beside it, that MLflow has to bring to where the journal has them.
    """

    behind: tuple[tuple[str, str | None], ...] = ()
    steps: tuple[Step, ...] = ()
    events: tuple[Event, ...] = ()
    settles: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.behind or self.steps or self.events or self.settles)


def compare(
    journal: Told, name: str, shown: RegisteredModel | None, at: datetime, is_at_work: Callable[[Intent], bool]
) -> Found:
    """What to do about the differences of one model. Where an alias and its old stage both moved, the alias counts."""
    known = {version.model_id for version in journal.versions(name)}
    if shown is None or (known and shown.model_id not in known):
        return Found()  # a store that knows nothing of the model, or of another one of its name, says nothing of moves
    model = shown
    look = _Look(journal=journal, model=model, at=at)
    intents = [i for tag, text in model.tags.items() if tag.startswith(MOVING) and (i := decode_intent(text))]
    under_way = {intent.alias for intent in intents if is_at_work(intent)}
    left = [intent for intent in intents if intent.alias not in under_way]
    aliases = {*model.aliases, *journal.aliases(name), *STAGES.values(), *(intent.alias for intent in left)}
    parts = [
        look.unfinished(alias, [i for i in left if i.alias == alias]) or look.moved(alias)
        for alias in sorted(aliases - under_way)
    ]
    return Found(
        behind=tuple(each for part in parts for each in part.behind),
        steps=tuple(step for part in parts for step in part.steps),
        events=tuple(event for part in parts for event in part.events),
        settles=tuple(settle(name, intent) for intent in left),
    )


@dataclass(frozen=True, kw_only=True)
class _Look:
    journal: Told
    model: RegisteredModel
    at: datetime

    def moved(self, alias: str) -> Found:
        """What somebody else did to an alias, or to the old stage that it is the successor of."""
        name, shown = self.model.name, self.model.aliases.get(alias)
        if not self._stands_at(alias, shown):
            return Found(events=(self._event(alias, shown, OUTSIDE, FOUND),))
        stage = next((stage for stage, successor in STAGES.items() if successor == alias), "")
        staged = self.model.stages.get(stage)
        if staged is None or staged == self.journal.stages(name).get(stage):
            return Found()
        event = self._event(alias, staged, OUTSIDE, f"{FOUND}, to the stage {stage}")
        if staged == shown:
            return Found(events=(event,))
        return Found(steps=(Step(do="alias", model=name, name=alias, value=str(staged)),), events=(event,))

    def unfinished(self, alias: str, intents: Sequence[Intent]) -> Found:
        """What is left to do of moves that their processes journaled, and did not see to their end in MLflow.

        A move that was not journaled did not happen. Where MLflow has the alias neither where a move found it nor where it put
        it, somebody else has moved it since.
        """
        name, shown = self.model.name, self.model.aliases.get(alias)
        standing = self.journal.aliases(name).get(alias)
        told = {event.at for event in self.journal.of(name) if event.alias == alias and event.event != "rejected"}
        begun = [intent for intent in intents if intent.at in told]
        if standing is None or standing.model_id != self.model.model_id:
            return Found()
        if not any(shown in {intent.from_version, intent.to_version} for intent in begun):
            return Found()
        stage = next((i.stage for i in begun if i.stage and i.to_version == standing.version), None)
        is_done = shown == standing.version and (stage is None or self.model.stages.get(stage) == shown)
        return Found() if is_done else Found(behind=((alias, stage),))

    def _stands_at(self, alias: str, version: int | None) -> bool:
        told = self.journal.aliases(self.model.name).get(alias)
        if told is None or version is None:
            return told is None and version is None
        return (told.model_id, told.version) == (self.model.model_id, version)

    def _event(self, alias: str, version: int | None, by: str, why: str) -> Event:
        name = self.model.name
        before = self.journal.aliases(name).get(alias)
        known = {(v.model_id, v.version): v for v in self.journal.versions(name)}
        after = None if version is None else known.get((self.model.model_id, version))
        return Event(
            at=self.at,
            event="moved",
            model=name,
            model_id=self.model.model_id,
            by=by,
            why=why,
            alias=alias,
            from_version=before.version if before else None,
            to_version=version,
            metrics=after.metrics if after else {},
            run_id=after.run_id if after else "",
            stages=self._stages(alias),
        )

    def _stages(self, alias: str) -> Mapping[str, int]:
        """The old stages that the journal knows of from now on: those it knew, and that of the alias."""
        known = {s: v for s, v in self.journal.stages(self.model.name).items() if s in self.model.stages}
        return known | {s: v for s, v in self.model.stages.items() if STAGES[s] == alias}
