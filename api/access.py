"""One line of the access log for each request."""

import re
import time
from logging import Logger

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.request_id import KEY

_LONGEST_PATH = 500
_CLIENT_LEFT = 499
_TRACE = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_TOLD = {b"x-model-version": "model_version", b"content-length": "bytes"}


class AccessLog:
    """Pure ASGI: what was asked, by whom, under which identity, and how it was answered; no query, no body, no token."""

    def __init__(self, app: ASGIApp, *, log: Logger) -> None:
        self._app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on, and logs it when it has been answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told: dict[str, object] = {"status": _CLIENT_LEFT}

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
                for name, value in message.get("headers", ()):
                    if name in _TOLD:
                        told[_TOLD[name]] = int(value) if value.isdigit() else value.decode("latin-1")
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, noted)
        except Exception:
            told["status"] = 500
            raise
        finally:
            seconds = round(time.perf_counter() - started, 6)
            self._log.info("request", extra={"told": _asked(scope) | told | {"seconds": seconds}})


def _asked(scope: Scope) -> dict[str, object]:
    client = scope.get("client")
    asked: dict[str, object] = {
        "request_id": scope.get(KEY),
        "method": scope["method"],
        "path": scope["path"][:_LONGEST_PATH],
        "client": client[0] if client else None,
    }
    if trace := _trace_of(scope):
        asked["trace_id"] = trace
    return asked


def _trace_of(scope: Scope) -> str | None:
    found = (_TRACE.fullmatch(value) for name, value in scope["headers"] if name == b"traceparent")
    return next((match[1].decode() for match in found if match), None)
