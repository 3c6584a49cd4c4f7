"""Whether a request is let in: by its token where one is wanted, and not more often than its sender may ask."""

import math
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Literal

from api.door.errors import TokenTooWeak, TokenUnknown, TokenWanted, TooManyRequests
from api.door.rate import Buckets, Rate
from api.door.settings import DoorSettings, tokens_in
from api.door.tokens import Tokens

Right = Literal["nothing", "signature", "predict", "admin"]

ADMIN = "/admin"
_HEALTH = frozenset({"/livez", "/readyz", "/ping", "/v2/health/live", "/v2/health/ready"})
_METRICS = "/metrics"
# MLflow's webhooks show no token; each is signed, which is looked at where it is heard.
_SIGNED = "/webhooks/mlflow"
_SCHEME = b"bearer "


def right_for(path: str, *, is_metrics_open: bool) -> Right:
    """What a sender needs for a path: nothing to ask how the server is, more than a prediction's token to steer it.

    >>> [right_for(path, is_metrics_open=False) for path in ("/livez", "/predict", "/metrics", "/admin/drain")]
    ['nothing', 'predict', 'predict', 'admin']
    """
    if path in _HEALTH or (is_metrics_open and path == _METRICS):
        return "nothing"
    if path == _SIGNED:
        return "signature"
    return "admin" if path == ADMIN or path.startswith(f"{ADMIN}/") else "predict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Lets requests in or refuses them; a token for operators opens everything."""

    predict: Tokens
    admin: Tokens
    buckets: Buckets | None
    is_metrics_open: bool

    @classmethod
    def of(cls, settings: DoorSettings, buckets: Path | None) -> "Door | None":
        """The door of these settings, None where it would stand open; `buckets` is where workers share how often who asked."""
        door = cls(
            predict=_tokens(settings, "tokens"),
            admin=_tokens(settings, "admin_tokens"),
            buckets=Buckets(Rate(per_second=settings.rate, burst=settings.burst_size), buckets)
            if settings.rate
            else None,
            is_metrics_open=settings.metrics_open,
        )
        return door if door.predict.are_wanted or door.admin.are_wanted or door.buckets else None

    def let_in(self, path: str, authorization: bytes | None, address: str) -> bool:
        """Raises what refuses a request, else says whether its sender may be told of the inside.

        Who shows no token that is known is told apart from others by the address.
        """
        right = right_for(path, is_metrics_open=self.is_metrics_open)
        token = _token(authorization)
        operator = None if token is None else self.admin.known(token)
        known = operator or (None if token is None else self.predict.known(token))
        # Health is asked without end, but nobody may try tokens there without end.
        if right != "nothing" or token is not None:
            self._count(known or _network(address))
        if not self.wants_token(path):
            return known is not None or not self.predict.are_wanted
        if known is None:
            raise TokenWanted if token is None else TokenUnknown
        if right == "admin" and operator is None:
            raise TokenTooWeak
        return True

    def wants_token(self, path: str) -> bool:
        """Whether a path is answered only to those who show a token."""
        right = right_for(path, is_metrics_open=self.is_metrics_open)
        return right == "admin" or (right == "predict" and self.predict.are_wanted)

    def _count(self, sender: bytes) -> None:
        if self.buckets is not None and (wait_seconds := self.buckets.wait_seconds(sender)):
            raise TooManyRequests(math.ceil(wait_seconds))


def _tokens(settings: DoorSettings, field: str) -> Tokens:
    name = f"LAKELINE_SERVE_{field.upper()}"
    given = tokens_in(getattr(settings, field).get_secret_value(), name)
    return Tokens(given, getattr(settings, f"{field}_file"), setting=f"{name}_FILE")


def _token(authorization: bytes | None) -> bytes | None:
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return authorization[len(_SCHEME) :].strip()


@lru_cache(maxsize=4096)
def _network(address: str) -> bytes:
    """What tells one sender from another: of IPv6, where one household has billions of addresses, the first half."""
    try:
        found = ip_address(address)
    except ValueError:
        return address.encode()
    if not isinstance(found, IPv6Address):
        return found.packed
    return found.ipv4_mapped.packed if found.ipv4_mapped else found.packed[:8]
