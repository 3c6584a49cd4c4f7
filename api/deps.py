"""What the routes are handed, and how a body is read."""

from typing import cast

from fastapi import Request

from api.errors import BodyTooLarge, WrongContentType
from api.serving import Serving
from api.settings import ApiSettings
from observability.metrics import RequestMetrics


def serving_of(request: Request) -> Serving:
    """What is served at this moment."""
    return cast(Serving, request.app.state.serving)


def metrics_of(request: Request) -> RequestMetrics:
    """What is counted of requests."""
    return cast(RequestMetrics, request.app.state.metrics)


def settings_of(request: Request) -> ApiSettings:
    """The settings of the server."""
    return cast(ApiSettings, request.app.state.settings)


async def json_body(request: Request) -> bytes:
    """The body of a request that says it is JSON, within the limit."""
    limit_bytes = settings_of(request).serve_body_limit
    kind = request.headers.get("content-type")
    if kind != "application/json" and not _is_json(kind):
        raise WrongContentType(kind)
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told[:20]) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
    return body


def _is_json(kind: str | None) -> bool:
    bare = (kind or "").split(";", 1)[0].strip().lower()
    return bare == "application/json" or (bare.startswith("application/") and bare.endswith("+json"))
