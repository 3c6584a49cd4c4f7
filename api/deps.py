"""What the routes are handed: the model that answers, its rows, and where answers are recorded."""

from typing import cast

from fastapi import Request

from api.body import json_body, whole_body
from api.canary import FORCED_HEADER
from api.log.record import Recorder
from api.request_id import KEY, new_id
from api.serving import Chosen, Serving
from api.settings import ApiSettings
from observability.metrics import RequestMetrics

KNOWN = "lakeline.is_known"
"""Where the scope of a request says whether its sender may be told of the inside; everybody may where no door is."""


def is_known(request: Request) -> bool:
    """Whether the sender may be told more than whether the server is ready."""
    return cast(bool, request.scope.get(KNOWN, True))


def serving_of(request: Request) -> Serving:
    """What is served at this moment."""
    return cast(Serving, request.app.state.serving)


def chosen_of(request: Request) -> Chosen:
    """The model that answers this request; taken once and used to its end, whatever is swapped meanwhile."""
    key = request.headers.get(settings_of(request).serve_canary_header)
    return serving_of(request).choose(key.encode() if key else None, request.headers.get(FORCED_HEADER))


def metrics_of(request: Request) -> RequestMetrics:
    """What is counted of requests."""
    return cast(RequestMetrics, request.app.state.metrics)


def settings_of(request: Request) -> ApiSettings:
    """The settings of the server."""
    return cast(ApiSettings, request.app.state.settings)


def recorder_of(request: Request) -> Recorder | None:
    """Where answers are recorded; None where they are not."""
    return cast("Recorder | None", request.app.state.recorder)


def request_id_of(request: Request) -> str:
    """The request's identity, the one that its answer names."""
    return cast(str, request.scope.get(KEY) or new_id())


async def row_body(request: Request) -> bytes:
    """The body of a request that says it is JSON, within the limit for one row."""
    return await json_body(request.headers, request.receive, settings_of(request).serve_body_limit)


async def rows_body(request: Request) -> bytes:
    """The body of a request, within the limit for many rows."""
    return await whole_body(request.headers, request.receive, settings_of(request).serve_rows_limit)
