"""Small questions over HTTP to programs of this machine, by the standard library alone and past every proxy."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping

TIMEOUT_SECONDS = 5.0

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(address: str) -> bool:
    """Whether the answer is a good one."""
    return ask(address) is not None


def ask(address: str, body: object = None, *, token: str = "") -> Mapping[str, object] | None:
    """The JSON object that is answered; None where nobody answers, or answers with something else."""
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(address, data=data, headers=headers)
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            told = json.loads(answer.read())
    except (OSError, ValueError):  # HTTP's errors are OSErrors as well
        return None
    return told if isinstance(told, dict) else None
