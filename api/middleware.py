"""Counting requests around the whole application, without the cost of a second task per request."""

import time
from collections.abc import Iterable

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.template import Templates
from observability.metrics import RequestMeter, RequestMetrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_LEFT = 499
"""The status under which a request counts whose sender left before there was an answer."""


class CountRequests:
    """Pure ASGI: counts, times, and holds the number in progress, by method, path template and status.

    A path that no route knows counts as `unmatched`: a stranger's requests make no new series.
    """

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics, routes: Iterable[BaseRoute]) -> None:
        self._app, self._metrics = app, metrics
        self._templates = Templates(routes)
        self._meters: dict[tuple[str, str], RequestMeter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on and counts it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        meter = self._meter(scope)
        status = CLIENT_LEFT

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        meter.in_progress.inc()
        started = time.perf_counter()
        try:
            await self._app(scope, receive, counted)
        except Exception:
            status = 500
            raise
        finally:
            meter.latency.observe(time.perf_counter() - started)
            meter.count(status)
            meter.in_progress.dec()

    def _meter(self, scope: Scope) -> RequestMeter:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        key = (method, self._templates.of(scope))
        found = self._meters.get(key)
        if found is None:
            found = self._meters[key] = RequestMeter(self._metrics, *key)
        return found
