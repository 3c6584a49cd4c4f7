"""Whether a webhook is MLflow's own: signed with a secret that only the two know, and not long ago."""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence

SIGNATURE, TIMESTAMP, DELIVERY = "x-mlflow-signature", "x-mlflow-timestamp", "x-mlflow-delivery-id"
_LONGEST_SECONDS = 300


def signed(secret: bytes, delivery: str, timestamp: str, body: bytes) -> str:
    """The signature that MLflow gives a body.

    >>> signed(b"secret", "1", "0", b"{}")
    'v1,Qz8berDYiwuYjWGq74EWXhASRflUh3LjswICZFJ53LI='
    """
    content = b".".join((delivery.encode(), timestamp.encode(), body))
    return f"v1,{b64encode(hmac.digest(secret, content, 'sha256')).decode()}"


def is_genuine(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_seconds: float) -> bool:
    """Whether one of the secrets signed this; one that is caught on its way is of no use a few minutes later."""
    told, at, delivery = (headers.get(name, "") for name in (SIGNATURE, TIMESTAMP, DELIVERY))
    if not (at.isascii() and at.isdigit() and len(at) < 15 and abs(now_seconds - int(at)) <= _LONGEST_SECONDS):
        return False
    return any(
        hmac.compare_digest(signed(secret, delivery, at, body).encode(), told.encode(errors="replace"))
        for secret in secrets
    )
