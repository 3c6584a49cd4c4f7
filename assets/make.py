"""Makes one asset, and tries again where the error may pass: the work of one thread."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from assets.asset import Made, TableAsset
from assets.at import At
from assets.code import kept
from assets.errors import ChecksFailed, Interrupted
from assets.graph import Graph
from assets.key import Reference
from assets.model_step import make_model
from assets.observe import Snapshot
from assets.outcome import Outcome
from assets.past import Past
from assets.plan import Observed, Step, decide
from assets.reading import Inputs, Run
from assets.skew import Skew, told_in_stamp
from assets.stop import Stop
from assets.table_step import make_table
from lakehouse.errors import CommitTaken, PlatformError, SparkUnreachable, Transient
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp
from lakehouse.table import TableVersion
from lakehouse.taken import FILES
from registry.models import Models

_LONGEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One asset to be made, and what was there when it was begun."""

    asset: Made
    step: Step
    snapshot: Snapshot
    observed: Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a task, and the versions that exist since then."""

    outcome: Outcome
    moved: Mapping[str, TableVersion]
    stamp: Stamp | None


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Makes the assets of one run; threads may share it.

    What may pass is tried again here, unless `is_tried_elsewhere`; a race that was lost always is.
    """

    lake: Lake
    models: Models
    graph: Graph
    run: Run
    at: At
    selection: str
    stop: Stop
    observe: Callable[[], Snapshot]
    sleep: Callable[[float], None]
    is_tried_elsewhere: bool = False

    def make(self, task: Task, say: Callable[[str, str], None]) -> Result:
        """Makes the asset, or tells in the outcome why not."""
        started, tries, is_taken = time.monotonic(), 1, False
        while True:
            try:
                result = self._planned_again(task) if is_taken else self._made(task)
                break
            except PlatformError as error:
                if not self._may_pass(task, error, tries):
                    result = self._not_made(task, error)
                    break
                self._wait(task, error, tries, say)
                is_taken = is_taken or isinstance(error, CommitTaken)
                tries += 1
        seconds = time.monotonic() - started
        return replace(result, outcome=replace(result.outcome, seconds=seconds, tries=tries))

    def _made(self, task: Task) -> Result:
        key, observed = task.asset.key, task.observed
        skewed = Past(self.lake, self.graph, observed, self.at.pins, self.at.began).of_one(key, observed.now)
        inputs = Inputs(
            lake=self.lake,
            models=self.models,
            graph=self.graph,
            snapshot=task.snapshot,
            run=replace(self.run, pins=observed.now, newest=self._newest(key, observed)),
            stop=self.stop,
            extra=self._extra(key, observed.parts.get(key, {}), skewed),
        )
        sequence = observed.sequences.get(key, 0) + 1
        told = tuple(map(str, skewed))
        outcome = self._outcome(task, notes=told)
        if isinstance(task.asset, TableAsset):
            made = make_table(inputs, task.asset, observed.code[key], sequence)
            commit, notes = made.commit, (*told, *made.notes)
            action = outcome.action if made.by_this_run else "adopted"
            outcome = replace(outcome, action=action, after=commit.version, rows=commit.rows, notes=notes)
            return Result(outcome=outcome, moved={key: commit.table_version}, stamp=commit.stamp)
        version = make_model(inputs, task.asset, observed.code[key], sequence)
        now = TableVersion(table_id=version.model_id, version=version.version)
        moved = {key: now, str(Reference(key=key, alias="candidate")): now}  # what was trained is the candidate at once
        is_own = version.stamp is None or version.stamp.run == self.run.id
        outcome = replace(outcome, action=outcome.action if is_own else "adopted", after=version.version)
        return Result(outcome=outcome, moved=moved, stamp=version.stamp)

    def _planned_again(self, task: Task) -> Result:
        """After another run came first: takes what that one made where it is what is wanted, or makes the next version.

        The inputs stay pinned; of landed files those count that no run has taken in by now.
        """
        key, snapshot = task.asset.key, self.observe()
        code, parts = task.observed.code, task.observed.parts  # what runs is what was loaded when the run began
        on_purpose = replace(self.at, began={})
        observed = replace(on_purpose.held(snapshot.observed), code=code, parts=parts, untold={})
        is_fresh = decide(task.asset, self.graph.inputs[key], observed, {}).state == "FRESH"
        if is_fresh and key in observed.stamps:
            now, stamp, version = observed.now[key], observed.stamps[key], observed.published.get(key)
            aliased = {text: observed.now[text] for text in (f"{key}@candidate",) if text in observed.now}
            outcome = replace(self._outcome(task), action="adopted", after=version)
            return Result(outcome=outcome, moved={key: now, **aliased}, stamp=stamp)
        files = {name: version for name, version in observed.now.items() if version.table_id == FILES}
        pins = {**observed.now, **task.observed.now, **files}
        others = {name: version for name, version in task.observed.published.items() if name != key}
        published = {**observed.published, **others}
        return self._made(replace(task, snapshot=snapshot, observed=replace(observed, now=pins, published=published)))

    def _newest(self, key: str, observed: Observed) -> Mapping[str, int]:
        """The newest version of each table that an asset reads as it is now, and not as it was on purpose."""
        older = {**self.at.began, **self.at.pins}
        read = {reference.key for reference in self.graph.inputs[key].values() if str(reference) not in older}
        return {other: observed.published[other] for other in read if other in observed.published}

    def _may_pass(self, task: Task, error: PlatformError, tries: int) -> bool:
        passing = CommitTaken if self.is_tried_elsewhere else Transient
        if isinstance(error, Interrupted) or not isinstance(error, passing):
            return False
        return tries <= task.asset.retries and not self.stop.is_asked

    def _wait(self, task: Task, error: PlatformError, tries: int, say: Callable[[str, str], None]) -> None:
        if isinstance(error, SparkUnreachable):
            self.lake.reconnect()
        seconds = pause_seconds(tries, random.random())
        count = f"{tries + 1} of {task.asset.retries + 1}"
        say(task.asset.key, f"{task.asset.key}: trying again in {seconds:.1f} s ({count}): {error}")
        self.sleep(seconds)

    def _not_made(self, task: Task, error: PlatformError) -> Result:
        """What is told of an error; one that came of the wish to end is none."""
        before = task.observed.published.get(task.asset.key)
        outcome = replace(self._outcome(task), action="failed", after=before, error=error)
        if self.stop.is_asked and not isinstance(error, ChecksFailed):
            outcome = replace(outcome, action="interrupted", error=None)
        return Result(outcome=outcome, moved={}, stamp=None)

    def _outcome(self, task: Task, notes: tuple[str, ...] = ()) -> Outcome:
        before = task.observed.published.get(task.asset.key)
        return Outcome(key=task.asset.key, action="made", causes=task.step.causes, before=before, notes=notes)

    def _extra(self, key: str, parts: Mapping[str, str], skewed: tuple[Skew, ...]) -> Mapping[str, object]:
        told: dict[str, object] = {} if self.selection == "*" else {"selection": self.selection}
        asset = self.graph.assets[key]
        if isinstance(asset, TableAsset):
            told["engine"] = asset.engine
        told |= kept(parts)
        if self.run.woken_by:
            told["woken_by"] = list(self.run.woken_by)
        if at := self.at.of(key, self.graph):
            told["at"] = dict(at)
        if skewed:
            told["skew"] = told_in_stamp(skewed)
        return told


def pause_seconds(tries: int, jitter: float) -> float:
    """How long to wait after so many tries: 1 s, twice as long each time, and up to half as much again by chance.

    >>> pause_seconds(1, 0.0), pause_seconds(2, 0.0), pause_seconds(3, 0.5)
    (1.0, 2.0, 5.0)
    """
    return min(_LONGEST_SECONDS, float(2 ** (tries - 1))) * (1 + jitter / 2)
