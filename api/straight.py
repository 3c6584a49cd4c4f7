"""`POST /predict`: one row in, one prediction out, in front of the routing that everything else goes through."""

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.deps import chosen_of, recorder_of, request_id_of, row_body
from api.errors import NotReady, RequestRefused
from api.instead import count_answer, count_failure, production_of
from api.log.record import Answered
from api.predictor import Predictor
from api.problem import answer_of, status_of
from api.schemas import Value
from api.serving import Chosen
from api.together import Together, Told, tell
from api.traced import asking
from lakehouse.errors import PlatformError

PATH = "/predict"
_log = logging.getLogger(__name__)


class Predict:
    """Pure ASGI: answers one row; the headers say which model answered and which table versions it was trained on."""

    def __init__(self, *, batch: bool) -> None:
        self._together = Together() if batch else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, with an error where it has to be."""
        request = Request(scope, receive)
        started = time.perf_counter()
        try:
            # Taken before the body is awaited, and used to the end: a swap in between belongs to the next request.
            chosen = chosen_of(request)
            body = await row_body(request)
            try:
                values, told = await self._told(chosen.predictor, body)
            except Exception as error:
                if chosen.instead is None:
                    raise
                # What production refuses as well is the sender's fault, and not counted.
                values, told = await self._told(chosen.instead, body)
                count_failure(request, chosen, error)
                chosen = production_of(chosen)
            else:
                if chosen.instead is not None:
                    count_answer(request, chosen)
        except ClientDisconnect:
            return
        except PlatformError as error:
            log_error(error)
            await answer_of(error)(scope, receive, send)
            return
        # Before it is sent: what a client has seen is in the log, as far as the log is to survive this process.
        _record(request, chosen, values, told, time.perf_counter() - started)
        answer = b'{"prediction":%s}' % json.dumps(told.prediction).encode()
        headers = [*chosen.predictor.raw_headers, (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _told(self, predictor: Predictor, body: bytes) -> tuple[Mapping[str, Value], Told]:
        values = predictor.schema.read(body)
        row = predictor.encoding.row(values)
        with asking(predictor, 1):
            if self._together is None:
                return values, tell(predictor, [row])[0]
            return values, await self._together.told(predictor, row)


class Straight:
    """Pure ASGI: hands what goes to one path and method to its own application, and everything else on."""

    def __init__(self, app: ASGIApp, *, path: str, method: str, straight: ASGIApp) -> None:
        self._app, self._path, self._method, self._straight = app, path, method, straight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        is_straight = scope["type"] == "http" and scope["path"] == self._path and scope["method"] == self._method
        await (self._straight if is_straight else self._app)(scope, receive, send)


def log_error(error: PlatformError) -> None:
    """Logs an error that is not the sender's."""
    if not isinstance(error, RequestRefused | NotReady):
        _log.error("a request was answered with %s: %s", status_of(error), error)


def _record(request: Request, chosen: Chosen, values: Mapping[str, Value], told: Told, seconds: float) -> None:
    recorder = recorder_of(request)
    if recorder is None:
        return
    predictor = chosen.predictor
    probabilities = predictor.probabilities(told.outputs[None])
    recorder.record(
        Answered(
            request_id=request_id_of(request),
            at=datetime.now(UTC),
            model=predictor.card.name,
            version=predictor.card.version,
            variant=chosen.variant,
            features=values,
            prediction=told.prediction,
            probabilities=None if probabilities is None else probabilities[0].tolist(),
            latency_seconds=seconds,
            known=predictor.signature.fields,
        )
    )
