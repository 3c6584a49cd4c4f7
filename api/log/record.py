"""One answer, as it is handed to whatever keeps the prediction log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One row that was predicted: what was asked, what was said, and by which version of a model."""

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
    """Takes answers to be logged; costs the request that was answered next to nothing."""

    def record(self, answered: Answered) -> None:
        """Takes one row's answer; never waits for a disk."""
        ...
