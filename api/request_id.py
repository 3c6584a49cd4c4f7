"""The identity of a request: its sender's where that is sane, else a new one; the same in answer, logs and Delta."""

import os
import re
from collections.abc import Iterable

HEADER = b"x-request-id"
KEY = "lakeline.request_id"
"""Where the scope of a request holds it."""

_SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The identity of the request with these headers.

    >>> request_id([(b"x-request-id", b"order-7")])
    'order-7'
    >>> len(request_id([(b"x-request-id", b"two words")]))
    32
    """
    for name, value in headers:
        if name == HEADER and _SANE.fullmatch(value):
            return value.decode()
    return new_id()


def new_id() -> str:
    """An identity that no other request has."""
    return os.urandom(16).hex()
