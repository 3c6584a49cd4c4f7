"""One answered row as it waits in the spool, in a few microseconds; personal features are gone or hashed already."""

import hashlib
import marshal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

from api.log.record import Answered
from api.log.settings import LogSettings

# Marshal's second form is read by every Python since 2.5, runs nothing when it is read, and is eight times as fast as JSON.
_FORM = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = frozenset({int, float, str, bool, type(None)})
_DIGEST_BYTES = 16


class Line(NamedTuple):
    """One row in plain values; `at` in microseconds since 1970. `hashed` are the features of which only a hash is left."""

    at: int
    request_id: str
    model: str
    version: int
    variant: str
    prediction: object
    probabilities: list[float] | None
    latency_seconds: float
    features: dict[str, object]
    hashed: dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """What is not to be known of the features; `key` has 64 bytes at most."""

    left_out: frozenset[str] = frozenset()
    hashed: frozenset[str] = frozenset()
    key: bytes = b""

    @classmethod
    def of(cls, settings: LogSettings) -> "Privacy":
        """What the settings say."""
        key = hashlib.blake2b(settings.key).digest()  # a secret may be longer than a key
        return cls(left_out=settings.left_out_names, hashed=settings.hashed_names, key=key)

    def hash(self, name: str, value: object) -> str | None:
        """The same for the same value of a feature, and different for each feature and key; a value that is missing stays so.

        >>> privacy = Privacy(key=b"a secret")
        >>> privacy.hash("id", 7) == privacy.hash("id", 7.0) != privacy.hash("name", 7)
        True
        """
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        told = f"{name}\0{value}".encode(errors="surrogatepass")
        return hashlib.blake2b(told, key=self.key, digest_size=_DIGEST_BYTES).hexdigest()


def encoder(privacy: Privacy) -> Callable[[Answered], bytes]:
    """What makes the bytes of a row; for a row that cannot be written it raises `ValueError`."""
    is_open = not privacy.left_out and not privacy.hashed

    def encode(answered: Answered) -> bytes:
        features, hashed = _features(answered.features), {}
        if not is_open:
            hashed = {name: privacy.hash(name, features[name]) for name in features if name in privacy.hashed}
            hidden = privacy.left_out | privacy.hashed
            features = {name: value for name, value in features.items() if name not in hidden}
        found = answered.probabilities
        row: tuple[object, ...] = (
            (answered.at - _EPOCH) // _MICROSECOND,
            answered.request_id,
            answered.model,
            answered.version,
            answered.variant,
            _plain(answered.prediction),
            None if found is None else [float(value) for value in found],
            answered.latency_seconds,
            features,
            hashed,
        )
        return marshal.dumps(row, _FORM)  # type: ignore[arg-type]  # what is in the features was made plain

    return encode


def decode(record: bytes) -> Line:
    """The row that the bytes stand for."""
    return Line._make(marshal.loads(record))


def _features(given: Mapping[str, object]) -> dict[str, object]:
    if _PLAIN.issuperset(map(type, given.values())):
        return given if type(given) is dict else dict(given)
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: object) -> object:
    """A number of numpy's as Python's own, and whatever is neither number nor text as text."""
    if type(value) in _PLAIN:
        return value
    item = getattr(value, "item", None)
    found = cast(object, item()) if callable(item) else value
    return found if type(found) in _PLAIN else str(found)
