"""A span around each request and each question to a model, where traces are wanted."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.predictor import Predictor
from api.request_id import KEY
from api.template import Templates
from observability.tracing import Traces

_TOLD = {
    b"x-model-name": "lakeline.model",
    b"x-model-version": "lakeline.model_version",
    b"x-model-run": "lakeline.run",
    b"x-model-inputs": "lakeline.inputs",
}
_NOTHING = nullcontext()
_traces: ContextVar[Traces | None] = ContextVar("traces", default=None)


def asking(predictor: Predictor, rows: int) -> AbstractContextManager[None]:
    """What is around a question to a model: a span where its request has one, else nothing."""
    traces = _traces.get()
    return _NOTHING if traces is None else traces.prediction(predictor.card.name, predictor.card.version, rows)


class Traced:
    """Pure ASGI: one span for each request, which knows the route, the answer, and which data made it."""

    def __init__(self, app: ASGIApp, *, traces: Traces, routes: Iterable[BaseRoute]) -> None:
        self._app, self._traces, self._templates = app, traces, Templates(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on within a span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._traces.request(scope["method"], scope["path"], scope["headers"]) as answered:
            told = {"lakeline.request_id": str(scope.get(KEY))}

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    answered.status = message["status"]
                    known = ((name, value) for name, value in message.get("headers", ()) if name in _TOLD)
                    told.update({_TOLD[name]: value.decode("latin-1") for name, value in known})
                await send(message)

            within = _traces.set(self._traces)
            try:
                await self._app(scope, receive, noted)
            except Exception:
                answered.status = 500
                raise
            finally:
                _traces.reset(within)
                answered.tell(self._templates.of(scope), told)
