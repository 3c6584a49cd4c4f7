"""Acts on the plan: makes what is missing or stale, each asset in one commit, and goes on where one branch fails."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Self

from assets import catalog, plan
from assets.asset import External, Made, TableAsset
from assets.graph import Graph
from assets.key import Reference
from assets.model_step import make_model
from assets.observe import Snapshot, observe
from assets.outcome import Action, Outcome, Reporter, Silent
from assets.plan import Observed, Plan, Step, decide
from assets.reading import Inputs, Run
from assets.select import select
from assets.table_step import make_table
from lakehouse.errors import PlatformError
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp
from lakehouse.table import TableVersion
from registry.models import Models

if TYPE_CHECKING:
    from assets.explain import Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A run that ended."""

    run: str
    outcomes: tuple[Outcome, ...]

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed; what is blocked waits for something and did not fail."""
        return all(outcome.action not in {"failed", "skipped"} for outcome in self.outcomes)


class Materializer:
    """Plans and runs a graph against one lake."""

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
        """The graph, lake and models that the environment names."""
        graph = catalog.load()
        lake = Lake.from_env(report)
        return cls(lake, Models.from_env(lake), graph, report=report)

    def observe(self) -> Snapshot:
        """What exists now, after moves made outside have been journaled."""
        try:
            self.models.notice_outside_moves()
        except PlatformError as error:
            self._report(f"what was moved in MLflow was not looked at: {error}")
        return observe(self.lake, self.models, self.graph)

    def plan(self, selection: str = "*", *, force: bool = False) -> Plan:
        """What a run of the selection would do, and why."""
        return self._planned(selection, force=force)[1]

    def explain(self, key: str, selection: str = "*", *, force: bool = False) -> "Explanation":
        """Why the plan of the selection says of one asset what it says."""
        from assets.explain import explain  # a plan that nobody asks about waits for none of it

        snapshot, planned = self._planned(selection, force=force)
        return explain(self.graph, planned, snapshot.observed, key, selection)

    def chosen(self, selection: str) -> tuple[str, ...]:
        """The keys that the words choose; the lake is looked at only where they ask for `stale()`."""
        return select(self.graph, selection, stale=lambda: plan.stale(self.graph, self.observe().observed))

    def _planned(self, selection: str, *, force: bool) -> tuple[Snapshot, Plan]:
        """One look at everything, and the plan of it; words that cannot be read cost no look."""
        snapshot = cache(self.observe)
        chosen = select(self.graph, selection, stale=lambda: plan.stale(self.graph, snapshot().observed))
        return snapshot(), plan.plan(self.graph, chosen, snapshot().observed, force=force)

    def run(self, selection: str = "*", *, force: bool = False, reporter: Reporter | None = None) -> Done:
        """Makes what the plan says. All steps read the versions that were there when it started, or that it made itself."""
        told = reporter or Silent()
        snapshot, planned = self._planned(selection, force=force)
        at = self._clock()
        run = Run(id=f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", at=at, pins={})
        observed = snapshot.observed
        outcomes: dict[str, Outcome] = {}
        for step in planned.steps:
            asset = self.graph.assets[step.key]
            if isinstance(asset, External):
                continue
            outcome = self._not_to_be_made(asset, step, observed, outcomes, force=force)
            if outcome is None:
                told.starting(step)
                inputs = self._inputs(snapshot, replace(run, pins=observed.now))
                outcome, observed = self._make(inputs, asset, step, observed)
            outcomes[step.key] = outcome
            told.ended(outcome)
        return Done(run=run.id, outcomes=tuple(outcomes.values()))

    def _inputs(self, snapshot: Snapshot, run: Run) -> Inputs:
        return Inputs(lake=self.lake, models=self.models, graph=self.graph, snapshot=snapshot, run=run)

    def _not_to_be_made(
        self, asset: Made, step: Step, observed: Observed, outcomes: dict[str, Outcome], *, force: bool
    ) -> Outcome | None:
        """What came of an asset that needs no work, or can have none; None for one that is to be made."""
        before = observed.published.get(step.key)
        read = self.graph.inputs[step.key].values()
        missed = [r.key for r in read if _waits_for(r) and r.key in outcomes and _is_lost(outcomes[r.key])]
        if missed and step.runs:
            word = "failed" if outcomes[missed[0]].action == "failed" else "was skipped"
            causes: tuple[str, ...] = (f"{missed[0]} {word}",)
            return Outcome(key=step.key, action="skipped", causes=causes, before=before, after=before)
        keys = (step.key, *(r.key for r in read if r.key not in outcomes))
        broken = [observed.unreadable[k] for k in keys if k in observed.unreadable]
        if broken and (step.key in observed.unreadable or step.state == "BLOCKED"):
            return Outcome(key=step.key, action="failed", causes=step.causes, error=broken[0])
        if not step.runs:
            action: Action = "blocked" if step.state == "BLOCKED" else "fresh"
            return Outcome(key=step.key, action=action, causes=step.causes, before=before, after=before)
        again = decide(asset, self.graph.inputs[step.key], observed, {}, force=force)
        if again.state == "BLOCKED":
            return Outcome(key=step.key, action="blocked", causes=again.causes, before=before, after=before)
        if not again.runs:
            causes = ("what it reads did not change after all",)
            return Outcome(key=step.key, action="fresh", causes=causes, before=before, after=before)
        return None

    def _make(self, inputs: Inputs, asset: Made, step: Step, observed: Observed) -> tuple[Outcome, Observed]:
        """Makes one asset; an error is told in the outcome, for the other branches go on."""
        started = time.monotonic()
        sequence = observed.sequences.get(asset.key, 0) + 1
        outcome = Outcome(key=asset.key, action="made", causes=step.causes, before=observed.published.get(asset.key))
        try:
            if isinstance(asset, TableAsset):
                made = make_table(inputs, asset, observed.code[asset.key], sequence)
                commit = made.commit
                action: Action = "made" if made.by_this_run else "adopted"
                outcome = replace(outcome, action=action, after=commit.version, rows=commit.rows, notes=made.notes)
                moved, stamp = {asset.key: commit.table_version}, commit.stamp
            else:
                version = make_model(inputs, asset, observed.code[asset.key], sequence)
                now = TableVersion(table_id=version.model_id, version=version.version)
                moved = {asset.key: now, f"{asset.key}@candidate": now}  # what was trained is the candidate at once
                outcome, stamp = replace(outcome, after=version.version), version.stamp
            observed = _moved_on(observed, asset.key, moved, stamp, outcome.after)
        except PlatformError as error:
            outcome = replace(outcome, action="failed", after=outcome.before, error=error)
        return replace(outcome, seconds=time.monotonic() - started), observed


def _waits_for(reference: Reference) -> bool:
    """Whether what the input is depends on its asset being made in this run; a reviewed model is what it was."""
    return reference.alias in {None, "candidate"}


def _is_lost(outcome: Outcome) -> bool:
    return outcome.action in {"failed", "skipped"}


def _moved_on(
    observed: Observed, key: str, moved: Mapping[str, TableVersion], stamp: Stamp | None, published: int | None
) -> Observed:
    """What is observed after one asset was made."""
    return replace(
        observed,
        now={**observed.now, **moved},
        stamps={**observed.stamps, key: stamp} if stamp else observed.stamps,
        sequences={**observed.sequences, key: stamp.sequence} if stamp else observed.sequences,
        published={**observed.published, key: published} if published is not None else observed.published,
    )
