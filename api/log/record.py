"""One answer, as it is handed to whatever keeps the prediction log."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One row that was predicted: what was asked, what was said, and by which version of a model.

    `row` is its place among the rows of its request, and `known` are all names that the model takes; where nobody tells
    them, those of the row.
    """

    request_id: str
    at: datetime
    model: str
    version: int
    variant: str
    features: Mapping[str, object]
    prediction: object
    probabilities: Sequence[float] | None
    latency_seconds: float
    row: int = 0
    known: Collection[str] = ()


class Recorder(Protocol):
    """Takes answers to be logged; costs the request that was answered next to nothing, unless every row is to be safe."""

    def record(self, answered: Answered) -> None:
        """Takes one row's answer; waits for a disk only with `LAKELINE_LOG_SYNC=every`, until the row is on it."""
        ...
