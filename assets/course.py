"""The course of one run: begins each asset once its inputs are done, and listens to the threads that make them."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from assets.asset import Made, ModelAsset
from assets.graph import Graph
from assets.make import Maker, Result, Task
from assets.observe import Snapshot
from assets.outcome import Action, Outcome, Reporter
from assets.plan import Observed, Plan, Step, decide
from assets.schedule import Schedule
from assets.workers import Ended, Said, Workers
from lakehouse.errors import PlatformError
from lakehouse.table import TableVersion

_GRACE_SECONDS = 2.0
_LOOK_SECONDS = 0.25
"""After how long a run that is to end interrupts what still computes once more: it may only now have begun to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What a run was asked for."""

    graph: Graph
    planned: Plan
    snapshot: Snapshot
    force: bool
    jobs: int


class Course:
    """What came of each asset so far. One thread keeps it, so that what is observed moves on in one place."""

    def __init__(self, ordered: Ordered, maker: Maker, told: Reporter) -> None:
        self._ordered, self._maker, self._told = ordered, maker, told
        self._steps = {step.key: step for step in ordered.planned.steps}
        self._observed = maker.at.held(ordered.snapshot.observed)
        self._outcomes: dict[str, Outcome] = {}
        self._workers = Workers[Result]()
        self._schedule = Schedule(
            {key: self._waits_for(key) for key in self._steps},
            ordered.jobs,
            alone=[key for key in self._steps if isinstance(ordered.graph.assets[key], ModelAsset)],
        )

    def run(self) -> tuple[Outcome, ...]:
        """Makes what is to be made; the outcomes are in the graph's order, whatever ended first."""
        stop = self._maker.stop
        stop.listen(self._workers.wake)
        try:
            while not self._schedule.is_over and not stop.is_asked:
                self._begin()
                if self._schedule.running:
                    self._hear()
        except BaseException:  # an error that nobody expected, or a signal that nobody caught
            stop.ask()
            self._wind_up()
            raise
        else:
            self._wind_up()
            self._tell_the_rest()
        finally:
            stop.listen(None)
        return tuple(self._outcomes[key] for key in self._steps)

    @property
    def abandoned(self) -> tuple[str, ...]:
        """What is still computed though the run has ended, and never comes to a commit."""
        return self._schedule.running

    def _begin(self) -> None:
        """Ends what needs no work, and starts as much of the rest as there are places."""
        while opened := self._schedule.opened():
            for key in opened:
                if (outcome := self._not_to_be_made(key)) is not None:
                    self._end(outcome)
                else:
                    self._schedule.queue(key)
        while not self._maker.stop.is_asked and (started := self._schedule.start()):
            step, snapshot = self._steps[started], self._ordered.snapshot
            self._told.starting(step)
            task = Task(asset=self._made(started), step=step, snapshot=snapshot, observed=self._observed)
            self._workers.start(started, self._work(task))

    def _work(self, task: Task) -> Callable[[], Result]:
        return lambda: self._maker.make(task, self._workers.say)

    def _hear(self, seconds: float | None = None) -> None:
        """Waits for the next thing that a thread tells."""
        heard = self._workers.hear(seconds)
        if isinstance(heard, Said):
            self._told.noted(heard.key, heard.line)
        elif isinstance(heard, Ended):
            self._maker.stop.forget(heard.key)
            if heard.result is None:
                self._schedule.end(heard.key)
                raise heard.error or RuntimeError(heard.key)
            self._observed = _moved_on(self._observed, heard.result, self._maker.at.pins)
            self._end(heard.result.outcome)

    def _end(self, outcome: Outcome) -> None:
        self._outcomes[outcome.key] = outcome
        self._schedule.end(outcome.key)
        self._told.ended(outcome)

    def _wind_up(self) -> None:
        """Waits for what may still be committed, and gives the rest a moment."""
        stop, began = self._maker.stop, time.monotonic()
        while self._schedule.running and (stop.committing or time.monotonic() - began < _GRACE_SECONDS):
            stop.interrupt()
            self._hear(_LOOK_SECONDS)

    def _tell_the_rest(self) -> None:
        for key, step in self._steps.items():
            if key not in self._outcomes:
                outcome = self._left(step)
                self._outcomes[key] = outcome
                self._told.ended(outcome)

    def _left(self, step: Step) -> Outcome:
        before = self._observed.published.get(step.key)
        if step.key in self._schedule.running:
            return Outcome(key=step.key, action="interrupted", causes=step.causes, before=before, after=before)
        if step.runs:
            return Outcome(key=step.key, action="left", causes=step.causes, before=before, after=before)
        return _as_planned(step, before)

    def _made(self, key: str) -> Made:
        asset = self._ordered.graph.assets[key]
        assert isinstance(asset, Made)
        return asset

    def _read(self, key: str) -> Iterator[str]:
        """The assets whose making in this run an asset depends on."""
        for reference in self._ordered.graph.inputs[key].values():
            if reference.is_as_made and str(reference) not in self._maker.at.pins:
                yield reference.key

    def _waits_for(self, key: str) -> tuple[str, ...]:
        return tuple(self._read(key))

    def _not_to_be_made(self, key: str) -> Outcome | None:
        """What came of an asset that needs no work, or can have none; None for one that is to be made."""
        step, before = self._steps[key], self._observed.published.get(key)
        lost = [o for read in self._read(key) if (o := self._outcomes.get(read)) and _is_lost(o)]
        if lost and step.runs:
            word = "failed" if lost[0].action == "failed" else "was skipped"
            causes: tuple[str, ...] = (f"{lost[0].key} {word}",)
            return Outcome(key=key, action="skipped", causes=causes, before=before, after=before)
        if broken := self._broken(step):
            return Outcome(key=key, action="failed", causes=step.causes, before=before, after=before, error=broken)
        if not step.runs:
            return _as_planned(step, before)
        inputs, force = self._ordered.graph.inputs[key], self._ordered.force
        again = decide(self._made(key), inputs, self._observed, {}, force=force, run=self._maker.run.id)
        if again.state == "BLOCKED":
            return Outcome(key=key, action="blocked", causes=again.causes, before=before, after=before)
        if not again.runs:
            causes = ("what it reads did not change after all",)
            return Outcome(key=key, action="fresh", causes=causes, before=before, after=before)
        return None

    def _broken(self, step: Step) -> PlatformError | None:
        """Why an asset that is blocked cannot be looked at, or what it reads."""
        unreadable, foreign = self._observed.unreadable, {} if self._ordered.force else self._observed.foreign
        if error := unreadable.get(step.key) or self._observed.untold.get(step.key) or foreign.get(step.key):
            return error
        read = (reference.key for reference in self._ordered.graph.inputs[step.key].values())
        found = [unreadable[key] for key in read if key in unreadable and key not in self._outcomes]
        return found[0] if found and step.state == "BLOCKED" else None


def _as_planned(step: Step, before: int | None) -> Outcome:
    action: Action = "blocked" if step.state == "BLOCKED" else "fresh"
    return Outcome(key=step.key, action=action, causes=step.causes, before=before, after=before)


def _is_lost(outcome: Outcome) -> bool:
    return outcome.action in {"failed", "skipped"}


def _moved_on(observed: Observed, result: Result, pins: Mapping[str, TableVersion]) -> Observed:
    """What is observed after one asset was made; what inputs are held to stays."""
    key, stamp, published = result.outcome.key, result.stamp, result.outcome.after
    return replace(
        observed,
        now={**observed.now, **{text: version for text, version in result.moved.items() if text not in pins}},
        stamps={**observed.stamps, key: stamp} if stamp else observed.stamps,
        sequences={**observed.sequences, key: stamp.sequence} if stamp else observed.sequences,
        published={**observed.published, key: published} if published is not None else observed.published,
    )
