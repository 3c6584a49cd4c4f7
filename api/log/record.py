"""What is told of each prediction, and who is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One row that was answered; `at` is an aware time in UTC, `probabilities` are None where the model gives none."""

    request_id: str
    at: datetime
    model: str
    version: int
    variant: str
    features: Mapping[str, object]
    prediction: object
    probabilities: Sequence[float] | None
    latency_seconds: float


class Recorder(Protocol):
    """Who is told of each row that was answered, after the answer was made; it costs microseconds and raises nothing."""

    def record(self, answered: Answered) -> None:
        """Takes note of one row."""
        ...
