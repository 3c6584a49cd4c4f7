"""The application: routes, errors and counting around one `Serving`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.entrance import Entrance
from api.log.record import Recorder
from api.middleware import CLIENT_LEFT, CountRequests
from api.openapi import openapi_of
from api.problem import answer_of, other_name, plain_answer
from api.routes import docs, health, home, inference, invocations, metrics, models, rows
from api.routes.predict import predict_route
from api.serving import Serving
from api.settings import ApiSettings
from api.straight import PATH, Predict, Straight, log_error
from lakehouse.errors import PlatformError
from observability.metrics import RequestMetrics


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
    recorder: Recorder | None = None,
    entrance: Entrance | None = None,
) -> FastAPI:
    """The application that answers with what `serving` holds."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if background is not None:
            background.start()
        yield
        if background is not None:
            await run_in_threadpool(background.stop)

    entrance = entrance or Entrance()
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
    app.state.recorder = recorder
    predict = Predict(batch=settings.serve_batch)
    app.router.routes.append(predict_route(predict))
    for room in (rows, models, inference, invocations, health, metrics, docs, home):
        app.include_router(room.router)
    app.openapi = openapi_of(app, serving, entrance.door)  # type: ignore[method-assign]
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_exception_handler(PlatformError, _answer_platform_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_http_error)
    # What is added last is outermost: the straight path is guarded and counted as everything else.
    app.add_middleware(Straight, path=PATH, method="POST", straight=predict)
    entrance.guard(app)
    app.add_middleware(CountRequests, metrics=app.state.metrics, routes=app.routes)
    entrance.surround(app)
    return app


async def _answer_nobody(_: Request, error: Exception) -> Response:
    """A sender who left in the middle of the body hears nothing, and is no defect of the server."""
    return Response(status_code=CLIENT_LEFT)


async def _answer_platform_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, PlatformError):
        raise error
    log_error(error)
    return answer_of(error, also=other_name(request.url.path))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    also = other_name(request.url.path)
    if isinstance(error, HTTPException):
        return plain_answer(error.status_code, str(error.detail), error.headers, also=also)
    return plain_answer(400, "the address of the request is not understood", also=also)


def _version() -> str:
    try:
        return version("lakeline")
    except PackageNotFoundError:
        return "0"
