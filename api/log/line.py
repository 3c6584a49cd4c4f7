"""One answered row as it waits in the spool, in a few microseconds; personal features are gone or hashed already."""

import marshal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

from api.log.privacy import Privacy
from api.log.record import Answered

# Marshal's second form is read by every Python since 2.5, runs nothing when it is read, and is eight times as fast as JSON.
_FORM = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = frozenset({int, float, str, bool, type(None)})


class Line(NamedTuple):
    """One row in plain values; `at` in microseconds since 1970. `hashed` are the features of which only a hash is left.

    A field that is added comes last and has a default, so that a spool that waits while the program is changed is read.
    """

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
    row: int | None = None


def encoder(privacy: Privacy) -> Callable[[Answered], bytes]:
    """What makes the bytes of a row; for a row that cannot be written it raises `ValueError`."""

    def encode(answered: Answered) -> bytes:
        features = _features(answered.features)
        hashed: dict[str, str | None] = {}
        if privacy.hides:
            features, hashed = privacy.parted(features, answered.known)
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
            answered.row,
        )
        return marshal.dumps(row, _FORM)  # type: ignore[arg-type]  # what is in the features was made plain

    return encode


def decode(record: bytes) -> Line:
    """The row that the bytes stand for."""
    return Line(*marshal.loads(record))


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
