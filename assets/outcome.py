"""What came of each asset in a run, and who is told while it works."""

from dataclasses import dataclass
from typing import Literal, Protocol

from assets.plan import Step
from lakehouse.errors import PlatformError

Action = Literal["made", "adopted", "fresh", "blocked", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one asset.

    `adopted` means that another run published the very same while this one worked. `before` and `after` are versions as a
    person names them. `notes` are things to know that stopped nothing, such as quarantined rows.
    """

    key: str
    action: Action
    causes: tuple[str, ...] = ()
    before: int | None = None
    after: int | None = None
    rows: int | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: PlatformError | None = None


class Reporter(Protocol):
    """Who is told what a run does, while it does it."""

    def starting(self, step: Step) -> None:
        """An asset is about to be made."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """An asset has been dealt with."""
        ...


class Silent:
    """Tells nobody."""

    def starting(self, step: Step) -> None:
        """Says nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Says nothing."""
