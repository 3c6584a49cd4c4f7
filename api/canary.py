"""Which of two versions answers a request: a pure decision, the same in every worker and after every restart."""

from hashlib import blake2b
from typing import Literal

Variant = Literal["production", "canary"]

FORCED_HEADER = "x-model-variant"
"""By this header a tester says which of the two is to answer."""

_WHOLE = 2**64


def variant_of(share: float, *, key: bytes | None, forced: str | None, drawn: float = 0.0) -> Variant:
    """What a tester asked for, else by the key's place between 0 and 1, else by `drawn`.

    A key that the canary answers at one share it answers at every larger one.
    """
    if forced in ("production", "canary"):
        return "canary" if forced == "canary" else "production"
    place = drawn if key is None else place_of(key)
    return "canary" if place < share else "production"


def place_of(key: bytes) -> float:
    """The place of a key, evenly spread from 0 up to but not including 1."""
    return (int.from_bytes(blake2b(key, digest_size=8).digest()) >> 11) / (_WHOLE >> 11)
