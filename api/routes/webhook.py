"""`/webhooks/mlflow`: MLflow says that something has changed; there only where a secret is set."""

from typing import cast

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from api.deps import row_body
from api.hint.hints import Hints
from api.problem import plain_answer

router = APIRouter(include_in_schema=False)


def hear(app: FastAPI, hints: Hints) -> None:
    """Lets an application hear hints."""
    app.state.hints = hints
    app.include_router(router)


@router.post("/webhooks/mlflow")
async def webhook(request: Request) -> Response:
    """Has the registry asked soon; nothing that stands in the body is believed."""
    hints, body = cast(Hints, request.app.state.hints), await row_body(request)
    if not hints.are_genuine(request.headers, body):
        return plain_answer(403, "wanted a webhook that was signed a moment ago, with the secret that is set here")
    return JSONResponse({"looks": await run_in_threadpool(hints.heed, body)}, status_code=202)
