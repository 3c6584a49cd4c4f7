"""What a worker makes of a hint: where it is genuine and of the model that is served, the bell is rung."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.hint.bell import Bell
from api.hint.signature import is_genuine


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """Hears hints of one model; `secrets` are those that they may be signed with."""

    secrets: Sequence[bytes]
    model: str
    bell: Bell

    def are_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether MLflow sent this."""
        return is_genuine(self.secrets, headers, body, time.time())

    def heed(self, body: bytes) -> bool:
        """Rings for a change of the model; whether it did. Which change is said there is not looked at."""
        if _model_in(body) not in (None, self.model):
            return False
        self.bell.ring()
        return True


def _model_in(body: bytes) -> object:
    """The model that a webhook tells of; None where it tells of none."""
    try:
        return json.loads(body)["data"]["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
