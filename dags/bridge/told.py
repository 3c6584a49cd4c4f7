"""What a task's log is told of a run: the plan before it acts, and what came of each asset."""

import logging

from assets.outcome import Outcome
from assets.plan import Plan, Step

_log = logging.getLogger("lakeline")


def tell_plan(planned: Plan) -> None:
    """Each asset of the task: what it is, at which version, and why a run makes it."""
    for step in planned.steps:
        at = "" if step.version is None else f" at v{step.version}"
        why = f" ({'; '.join(step.causes)})" if step.causes else ""
        _log.info("plan: %s is %s%s%s", step.key, step.state, at, why)
        for note in step.notes:
            _log.info("note: %s", note)


class Told:
    """Tells the task's log what a run does."""

    def starting(self, step: Step) -> None:
        """An asset is about to be made."""
        _log.info("making %s (%s)", step.key, "; ".join(step.causes))

    def noted(self, key: str, line: str) -> None:
        """Something is to be known of an asset that is being made."""
        _log.info("note: %s", line)

    def ended(self, outcome: Outcome) -> None:
        """An asset has been dealt with."""
        for note in outcome.notes:
            _log.info("note: %s", note)
        if outcome.error is not None:
            _log.error("%s failed: %s", outcome.key, outcome.error)
        else:
            rows = "" if outcome.rows is None else f", {outcome.rows} rows"
            before, after = _version(outcome.before), _version(outcome.after)
            _log.info("%s: %s, %s -> %s%s", outcome.key, outcome.action, before, after, rows)


def _version(version: int | None) -> str:
    return "nothing" if version is None else f"v{version}"
