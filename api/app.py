"""The application: routes, errors and counting around one `Serving`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.errors import NotReady, RequestRefused, answer_of, status_of
from api.middleware import CountRequests
from api.openapi import openapi_of
from api.routes import docs, health, metrics, predict
from api.serving import Serving
from api.settings import ApiSettings
from lakehouse.errors import PlatformError
from observability.metrics import RequestMetrics

_log = logging.getLogger(__name__)


class Background(Protocol):
    """What runs beside the requests for as long as the application does."""

    def start(self) -> None:
        """Begins."""
        ...

    def stop(self) -> None:
        """Ends, and waits for the end."""
        ...


def create_app(
    settings: ApiSettings,
    serving: Serving,
    *,
    background: Background | None = None,
    counted: RequestMetrics | None = None,
) -> FastAPI:
    """The application that answers with what `serving` holds."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if background is not None:
            background.start()
        yield
        if background is not None:
            await run_in_threadpool(background.stop)

    app = FastAPI(
        title="Lakeline API",
        version=_version(),
        description="Predictions of the model in production; every answer names the versions it came from.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings, app.state.serving = settings, serving
    app.state.metrics = counted or RequestMetrics()
    for room in (predict, health, metrics, docs):
        app.include_router(room.router)
    app.openapi = openapi_of(app, serving)  # type: ignore[method-assign]
    app.add_exception_handler(PlatformError, _answer_platform_error)
    app.add_exception_handler(Exception, _answer_defect)
    app.add_middleware(CountRequests, metrics=app.state.metrics, routes=app.routes)
    return app


async def _answer_platform_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, PlatformError):
        raise error
    status = status_of(error)
    if not isinstance(error, RequestRefused | NotReady):
        _log.error("a request was answered with %s: %s", status, error)
    return JSONResponse(answer_of(error), status_code=status, headers={"Retry-After": "1"} if status == 503 else None)


async def _answer_defect(_: Request, error: Exception) -> JSONResponse:
    # The server logs the defect with its trace; the answer says nothing of the inside.
    return JSONResponse(answer_of(PlatformError(error)), status_code=500)


def _version() -> str:
    try:
        return version("lakeline")
    except PackageNotFoundError:
        return "0"
