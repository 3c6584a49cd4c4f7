"""Acts on the plan: makes what is missing or stale, each asset in one commit, and goes on where one branch fails."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Self

from assets import at, catalog, plan
from assets.asset import ModelAsset
from assets.course import Course, Ordered
from assets.graph import Graph
from assets.make import Maker
from assets.observe import Snapshot, observe
from assets.outcome import Outcome, Reporter, Silent
from assets.past import Past
from assets.plan import Plan
from assets.reading import Run
from assets.select import select
from assets.settings import JOBS, DefinitionSettings
from assets.stop import Stop
from assets.wakeup import WakeUp, as_of
from lakehouse.errors import PlatformError
from lakehouse.lake import Lake
from registry.models import Models

if TYPE_CHECKING:
    from assets.explain import Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A run that ended. `abandoned` is still computed by a thread, and never comes to a commit."""

    run: str
    outcomes: tuple[Outcome, ...]
    abandoned: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed; what is blocked waits for something and did not fail."""
        return not self.is_interrupted and all(o.action not in {"failed", "skipped"} for o in self.outcomes)

    @property
    def is_interrupted(self) -> bool:
        """Whether something was not made because the run was asked to end."""
        return any(outcome.action in {"interrupted", "left"} for outcome in self.outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What was there, what a run would do, and the versions that its inputs are held to."""

    snapshot: Snapshot
    plan: Plan
    held: at.At


class Materializer:
    """Plans and runs a graph against one lake. `jobs` is how many assets may be made at once."""

    def __init__(  # each is a collaborator
        self,
        lake: Lake,
        models: Models,
        graph: Graph,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        report: Callable[[str], None] = lambda line: None,
        sleep: Callable[[float], None] | None = None,
        jobs: int = JOBS,
    ) -> None:
        self.lake, self.models, self.graph = lake, models, graph
        self._clock, self._report, self._sleep, self._jobs = clock, report, sleep, jobs

    @classmethod
    def from_env(cls, report: Callable[[str], None] = lambda line: None) -> Self:
        """The graph, lake and models that the environment names."""
        graph = catalog.load()
        lake = Lake.from_env(report)
        return cls(lake, Models.from_env(lake), graph, report=report, jobs=DefinitionSettings.from_env().lakeline_jobs)

    def observe(self) -> Snapshot:
        """What exists now, after moves made outside have been journaled."""
        try:
            self.models.notice_outside_moves()
        except PlatformError as error:
            self._report(f"what was moved in MLflow was not looked at: {error}")
        return self._look()

    def plan(self, selection: str = "*", *, force: bool = False, pins: Iterable[str] = ()) -> Plan:
        """What a run of the selection would do, and why; `pins` are texts such as `silver.x@3`."""
        return self._planned(selection, pins, force=force).plan

    def run(  # each is an option of `lakeline run`
        self,
        selection: str = "*",
        *,
        force: bool = False,
        pins: Iterable[str] = (),
        jobs: int | None = None,
        reporter: Reporter | None = None,
        stop: Stop | None = None,
        wakeup: WakeUp | None = None,
        on_plan: Callable[[Plan], None] = lambda plan: None,
    ) -> Done:
        """Makes what the plan says. All steps read the versions that were there when it started, or that it made itself.

        What `pins` names is read at that older version on purpose. The run ends early where `stop` is asked. With a `wakeup`
        it is a part of a run that began elsewhere: it has its name, reads what was there when that one began, and leaves
        it to that one to try again. `on_plan` is told of the plan before anything is made.
        """
        stop = stop or Stop()
        look = self._planned(selection, pins, force=force, wakeup=wakeup)
        on_plan(look.plan)
        run = self._begun(wakeup)
        maker = Maker(
            lake=self.lake,
            models=self.models,
            graph=self.graph,
            run=run,
            at=look.held,
            selection=selection,
            stop=stop,
            observe=self._look,
            sleep=self._sleep or stop.wait,
            is_tried_elsewhere=wakeup is not None,
        )
        ordered = Ordered(
            graph=self.graph, planned=look.plan, snapshot=look.snapshot, force=force, jobs=max(1, jobs or self._jobs)
        )
        if sum(self._touches_model(step.key) for step in look.plan.work) > 1:
            self.models.prepare()
        course = Course(ordered, maker, reporter or Silent())
        return Done(run=run.id, outcomes=course.run(), abandoned=course.abandoned)

    def _touches_model(self, key: str) -> bool:
        touched = (key, *(reference.key for reference in self.graph.inputs[key].values()))
        return any(isinstance(self.graph.assets[each], ModelAsset) for each in touched)

    def _begun(self, wakeup: WakeUp | None) -> Run:
        now = self._clock()
        if wakeup is None:
            return Run(id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", at=now, pins={})
        return Run(id=wakeup.run, at=now, pins={}, woken_by=tuple(f"{key} v{v}" for key, v in wakeup.told.items()))

    def _look(self) -> Snapshot:
        return observe(self.lake, self.models, self.graph)

    def explain(
        self, key: str, selection: str = "*", *, force: bool = False, pins: Iterable[str] = ()
    ) -> "Explanation":
        """Why the plan of the selection says of one asset what it says."""
        from assets.explain import explain  # a plan that nobody asks about waits for none of it

        look = self._planned(selection, pins, force=force)
        return explain(self.graph, look.plan, look.held.held(look.snapshot.observed), key, selection)

    def chosen(self, selection: str) -> tuple[str, ...]:
        """The keys that the words choose; the lake is looked at only where they ask for `stale()`."""
        return select(self.graph, selection, stale=lambda: plan.stale(self.graph, self.observe().observed))

    def _planned(self, selection: str, pins: Iterable[str], *, force: bool, wakeup: WakeUp | None = None) -> "_Look":
        """One look at everything, and the plan of it; words that cannot be read cost no look."""
        snapshot = cache(self.observe)
        chosen = select(self.graph, selection, stale=lambda: plan.stale(self.graph, snapshot().observed))
        held = at.resolved(pins, self.lake, self.models, self.graph, chosen)
        if wakeup is not None:
            began = as_of(wakeup, self.lake, self.models, self.graph, chosen, snapshot().observed)
            held = replace(held, began=began)
        observed = held.held(snapshot().observed)
        run = wakeup.run if wakeup else None
        planned = plan.plan(self.graph, chosen, observed, force=force, pinned=held.named, run=run)
        skewed = Past(self.lake, self.graph, observed, held.pins, held.began).of_plan(planned)
        steps = (replace(s, skews=skewed[s.key]) if s.key in skewed else s for s in planned.steps)
        return _Look(
            snapshot=snapshot(), plan=held.told_in(replace(planned, steps=tuple(steps)), self.graph), held=held
        )
