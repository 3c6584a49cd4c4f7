"""Tells a person what a run does while it works, and what came of it."""

from collections import Counter
from typing import TYPE_CHECKING

from api.cli import show

if TYPE_CHECKING:
    from assets.materialize import Done
    from assets.outcome import Outcome
    from assets.plan import Step

_ORDER = ("made", "adopted", "fresh", "blocked", "failed", "skipped", "interrupted", "left")


class Progress:
    """Lines on the error stream while a run works, so that its answer alone is on the output."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet

    def say(self, line: str) -> None:
        """One line of progress."""
        if not self._is_quiet:
            show.err.print(f"  {line}", style="dim", markup=False)

    def starting(self, step: "Step") -> None:
        """An asset is about to be made."""
        self.say(f"making {step.key}  ({'; '.join(step.causes)})")

    def noted(self, key: str, line: str) -> None:
        """Something is to be known of an asset that is being made."""
        self.say(f"note: {line}")

    def ended(self, outcome: "Outcome") -> None:
        """An asset has been dealt with: what is to be known of it is told at once."""
        for note in outcome.notes:
            self.say(f"note: {note}")
        if outcome.error:
            told = str(outcome.error)
            named = told if outcome.key in told else f"{outcome.key}: {told}"
            show.err.print(f"  failed: {named}", style="red", markup=False)

    def summary(self, done: "Done", seconds: float) -> None:
        """The table at the end, and one line that says it all."""
        show.rows(
            ("asset", "action", "why", "version", "rows", "seconds"),
            [
                (
                    o.key,
                    o.action,
                    o.causes or "",
                    _moved(o),
                    o.rows,
                    f"{o.seconds:.1f}"
                    if o.action in {"made", "adopted", "failed", "interrupted"} and o.seconds
                    else "",
                )
                for o in done.outcomes
            ],
        )
        counts = Counter[str](outcome.action for outcome in done.outcomes)
        told = ", ".join(f"{count} {action}" for action in _ORDER if (count := counts[action]))
        if not any(counts[action] for action in ("made", "adopted", "failed", "skipped", "interrupted", "left")):
            told = f"nothing to do: {told}" if told else "nothing to do"
        show.out.print(f"\n{told} in {seconds:.1f} s", style="dim")
        if done.is_interrupted:
            published = [f"{o.key} {show.version(o.after)}" for o in done.outcomes if o.action in {"made", "adopted"}]
            missed = [o.key for o in done.outcomes if o.action in {"interrupted", "left"}]
            told = f"interrupted; published: {', '.join(published) or 'nothing'}; not published: {', '.join(missed)}"
            show.err.print(told, style="red", markup=False)


def _moved(outcome: "Outcome") -> str:
    after = show.version(outcome.after)
    return after if outcome.before == outcome.after else f"{show.version(outcome.before)} -> {after}"
