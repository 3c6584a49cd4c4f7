"""What is served at this moment, and how the server is."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.canary import Ended, Ruling, Variant, variant_of
from api.errors import NotReady
from api.placed import Placed, Refused
from api.predictor import Predictor
from api.seats import Seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The model that answers a request, and which of the two it is; `instead` answers where a canary fails to."""

    variant: Variant
    predictor: Predictor
    instead: Predictor | None = None


class Serving:
    """The models that answer; each changes by the assignment of one reference, between two requests.

    `share` is the part of the requests that the canary answers: what was wanted at the start, unless something else was
    decided since. `shadow` is the part of production's answers that the same version is asked as well, in silence. `seats`
    tells what all workers of this server say. `draw` places a request without a key, from 0 up to but not including 1.
    """

    def __init__(
        self,
        *,
        share: float = 0.0,
        shadow: float = 0.0,
        seats: Callable[[], Sequence[Seat]] = lambda: (),
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.predictor: Predictor | None = None
        self.canary: Predictor | None = None
        self.share = self._wanted = share
        self.shadow = shadow
        self.ruling = Ruling()
        self.seats = seats
        self._draw = draw
        self.placed: dict[Variant, Placed] = {"production": Placed(), "canary": Placed()}
        self.refused: dict[Variant, Refused] = {}
        self.is_draining = False
        self.is_ending = False

    def need(self) -> Predictor:
        """The model in production."""
        if self.predictor is None:
            raise NotReady(self.reason)
        return self.predictor

    def choose(self, key: bytes | None = None, forced: str | None = None) -> Chosen:
        """The model that answers a request; who sends the same key is answered by the same one."""
        production, canary = self.need(), self.canary
        # Once it is promoted, a version is no canary any more.
        if canary is not None and canary.card.version != production.card.version:
            variant = variant_of(self.share, key=key, forced=forced, drawn=self._draw())
            if variant == "canary":
                return Chosen(variant=variant, predictor=canary, instead=production)
        return Chosen(variant="production", predictor=production)

    @property
    def wants_canary(self) -> bool:
        """Whether a second version has anything to do here."""
        return bool(self._wanted or self.shadow) or self.ruling.share is not None

    def obey(self, ruling: Ruling) -> None:
        """Gives the canary the share that was decided on."""
        self.ruling = ruling
        self.share = self._share_of(self.canary)

    def take_canary(self, canary: Predictor | None) -> None:
        """Puts another version in the canary's place; one that has ended answers no request in between."""
        share = self._share_of(canary)
        self.share = min(self.share, share)
        self.canary = canary
        self.share = share

    def _share_of(self, canary: Predictor | None) -> float:
        return self.ruling.share_of(None if canary is None else canary.card.target, self._wanted)

    def answering(self) -> tuple[Chosen, ...]:
        """What is loaded: the model in production, and the canary where there is one."""
        loaded: tuple[tuple[Variant, Predictor | None], ...] = (("production", self.predictor), ("canary", self.canary))
        return tuple(Chosen(variant=variant, predictor=found) for variant, found in loaded if found is not None)

    @property
    def reason(self) -> str:
        """Why no model is loaded."""
        refused = self.refused.get("production")
        if refused is not None:
            return f"version {refused.target.version}: {refused.reason}"
        return self.placed["production"].reason

    def readiness(self) -> tuple[bool, dict[str, object]]:
        """Whether requests may be sent here, and what a person wants to know of it."""
        predictor, placed = self.predictor, self.placed["production"]
        if predictor is None:
            return False, {"ready": False, "reason": self.reason}
        if any("production" not in seat.answering for seat in self.seats()):
            # They share one port: the next request may reach the one that has nothing to answer with.
            return False, {"ready": False, "reason": "another worker has not loaded the model yet"}
        told: dict[str, object] = {
            "ready": not self.is_draining,
            "model": predictor.card.name,
            "version": predictor.card.version,
            "run": predictor.card.run_id,
            "inputs": {key: value.version for key, value in predictor.card.inputs.items()},
            "since": _time(predictor.since),
            "registry": placed.registry or "answers",
        }
        if placed.registry_since:
            told["registry_since"] = _time(placed.registry_since)
        if self.is_draining:
            told["reason"] = "the server is stopping" if self.is_ending else "an operator drains this server"
        if placed.alias:
            told["alias"] = placed.alias
        if placed.fetch:
            told["fetch"] = placed.fetch
        if refused := self.refused_anywhere("production"):
            told["refused"] = {"version": refused.target.version, "reason": refused.reason}
        if self.wants_canary:
            told["canary"] = self._canary()
        return not self.is_draining, told

    def refused_anywhere(self, variant: Variant) -> Refused | None:
        """What this worker, the resolver or another worker found that cannot be served."""
        mine = self.refused.get(variant) or self.placed[variant].refused
        return mine or next((seat.refused[variant] for seat in self.seats() if variant in seat.refused), None)

    @property
    def end(self) -> Ended | None:
        """Why the canary that is loaded gets no share any more, where it was taken away."""
        return self.ruling.end_of(self.canary.card.target) if self.canary is not None else None

    def _canary(self) -> dict[str, object]:
        """How the canary is, where a share of the requests is meant for one."""
        told: dict[str, object] = {"share": self.share, "version": self.canary and self.canary.card.version}
        if self.shadow:
            told["shadow"] = self.shadow
        if end := self.end:
            told["ended"] = {"why": end.why, "since": _time(end.at)}
        if reason := self.placed["canary"].alias or self.placed["canary"].fetch:
            told["reason"] = reason
        if refused := self.refused_anywhere("canary"):
            told["refused"] = {"version": refused.target.version, "reason": refused.reason}
        return told


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
