"""What is served at this moment, and how the server is."""

from dataclasses import dataclass, replace

from api.errors import NotReady
from api.predictor import Predictor
from api.served import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A version that was fetched and cannot be served, and why."""

    target: Target
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What is known of the alias that is followed; a reason is None where there is nothing to say."""

    reason: str = "the registry was not asked yet"
    registry: str | None = None
    alias: str | None = None
    fetch: str | None = None
    refused: Refused | None = None


class Serving:
    """The model that answers; it changes by the assignment of one reference, between two requests."""

    def __init__(self) -> None:
        self.predictor: Predictor | None = None
        self.following = Following()
        self.is_draining = False

    def need(self) -> Predictor:
        """The model that answers now."""
        if self.predictor is None:
            raise NotReady(self.following.reason)
        return self.predictor

    def note(self, **changes: object) -> None:
        """Keeps what was found of the alias."""
        self.following = replace(self.following, **changes)  # type: ignore[arg-type]

    def readiness(self) -> tuple[bool, dict[str, object]]:
        """Whether requests may be sent here, and what a person wants to know of it."""
        predictor, following = self.predictor, self.following
        if predictor is None:
            return False, {"ready": False, "reason": following.reason}
        told: dict[str, object] = {
            "ready": not self.is_draining,
            "model": predictor.card.name,
            "version": predictor.card.version,
            "run": predictor.card.run_id,
            "inputs": {key: value.version for key, value in predictor.card.inputs.items()},
            "since": predictor.since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "registry": following.registry or "answers",
        }
        if self.is_draining:
            told["reason"] = "the server is stopping"
        if following.alias:
            told["alias"] = following.alias
        if following.fetch:
            told["fetch"] = following.fetch
        if following.refused:
            told["refused"] = {"version": following.refused.target.version, "reason": following.refused.reason}
        return not self.is_draining, told
