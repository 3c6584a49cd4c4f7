"""Clients that ask one server for minutes, and keep what every answer said of the version that made it."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from benchmarks.serving_model import FEATURES, FLOWERS

_PAUSE_SECONDS, _PAUSE_AFTER_FAILURE_SECONDS = 0.02, 0.2
_AFTER_A_KILL_SECONDS = 2.0
_RESETS = (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected, http.client.IncompleteRead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Answers of one client in a row that one version made."""

    version: int
    first: datetime
    last: datetime


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one client saw: each answered request with the second at which it was answered, of `time.monotonic`.

    A reset connection is counted apart where a worker was killed just before.
    """

    answered: int = 0
    resets: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    spans: list[Span] = field(default_factory=list)
    request_ids: dict[str, float] = field(default_factory=dict)


class Clients:
    """Clients, each with a connection that it keeps; `killed` is told of each worker that was killed, just before."""

    def __init__(self, url: str, count: int) -> None:
        self._url = urlsplit(url)
        self._stopped = threading.Event()
        self.killed_at: list[float] = []
        self.seen = [Seen() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._ask, args=(f"soak-{place}", seen), daemon=True)
            for place, seen in enumerate(self.seen)
        ]

    def start(self) -> None:
        """Begins to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> Sequence[Seen]:
        """Ends asking, and what was seen."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)
        return self.seen

    def killed(self) -> None:
        """From now on, for a moment, a reset is what a killed worker leaves."""
        self.killed_at.append(time.monotonic())

    def _ask(self, name: str, seen: Seen) -> None:
        connection = self._connection()
        number = 0
        while not self._stopped.wait(_PAUSE_SECONDS):
            number += 1
            flower, wanted = FLOWERS[number % len(FLOWERS)]
            try:
                self._once(connection, f"{name}-{number}", flower, wanted, seen)
            except (OSError, http.client.HTTPException) as error:
                self._note(error, seen)
                with suppress(OSError):
                    connection.close()
                connection = self._connection()
                self._stopped.wait(_PAUSE_AFTER_FAILURE_SECONDS)
        connection.close()

    def _once(
        self,
        connection: http.client.HTTPConnection,
        request_id: str,
        flower: Sequence[float],
        wanted: int,
        seen: Seen,
    ) -> None:
        body = json.dumps(dict(zip(FEATURES, flower, strict=True)))
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
        connection.request("POST", self._url.path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            seen.failed[f"status {answer.status}"] += 1
            return
        if json.loads(text) != {"prediction": wanted}:
            seen.failed[f"wrong answer {text.decode(errors='replace')[:80]}"] += 1
            return
        seen.answered += 1
        seen.request_ids[request_id] = time.monotonic()
        _keep(seen, int(answer.headers["x-model-version"]))

    def _note(self, error: Exception, seen: Seen) -> None:
        since = time.monotonic() - (self.killed_at[-1] if self.killed_at else -1e9)
        if isinstance(error, _RESETS) and since < _AFTER_A_KILL_SECONDS:
            seen.resets += 1
            return
        seen.failed[type(error).__name__] += 1

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._url.hostname or "127.0.0.1", self._url.port, timeout=10)


def _keep(seen: Seen, version: int) -> None:
    now = datetime.now(UTC)
    last = seen.spans[-1] if seen.spans else None
    if last is not None and last.version == version:
        seen.spans[-1] = Span(version=version, first=last.first, last=now)
        return
    seen.spans.append(Span(version=version, first=now, last=now))
