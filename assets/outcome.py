"""What came of each asset in a run, and who is told while it works."""

from dataclasses import dataclass
from typing import Literal, Protocol

from assets.plan import Step
from lakehouse.errors import PlatformError

Action = Literal["made", "adopted", "fresh", "blocked", "failed", "skipped", "interrupted", "left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one asset.

    `adopted` means that another run published it while this one worked. `interrupted` was being made when the run was asked
    to end, `left` was not begun by then. `before` and `after` are versions as a person names them. `notes` are things to
    know that stopped nothing, such as quarantined rows. `tries` counts how often it was begun.
    """

    key: str
    action: Action
    causes: tuple[str, ...] = ()
    before: int | None = None
    after: int | None = None
    rows: int | None = None
    seconds: float = 0.0
    tries: int = 1
    notes: tuple[str, ...] = ()
    error: PlatformError | None = None


class Reporter(Protocol):
    """Who is told what a run does, while it does it; always by the thread that started the run."""

    def starting(self, step: Step) -> None:
        """An asset is about to be made."""
        ...

    def noted(self, key: str, line: str) -> None:
        """Something is to be known of an asset that is being made."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """An asset has been dealt with."""
        ...


class Silent:
    """Tells nobody."""

    def starting(self, step: Step) -> None:
        """Says nothing."""

    def noted(self, key: str, line: str) -> None:
        """Says nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Says nothing."""
