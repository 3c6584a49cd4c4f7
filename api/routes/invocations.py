"""`/ping`, `/version` and `/invocations`: what clients of MLflow's own model server ask."""

import json
import time
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.body import is_json
from api.deps import chosen_of, is_known, rows_body, serving_of
from api.errors import NotReady, WrongContentType
from api.instead import answered_by
from api.invocations import read_rows
from api.rows import Asked, record, say
from api.serving import Chosen

router = APIRouter(tags=["mlflow"])


@router.get("/ping", response_class=Response, summary="Whether a model is loaded, as MLflow's clients ask")
async def ping(request: Request) -> Response:
    """Answers 200 with an empty line where requests may be sent."""
    is_ready, told = serving_of(request).readiness()
    if not is_ready:
        raise NotReady(str(told["reason"]) if is_known(request) else "ask with a token for the reason")
    return Response("\n", media_type="application/json")


@router.get("/version", response_class=Response, summary="The version of MLflow whose clients this server answers")
async def mlflow_version() -> Response:
    """The version of the installed MLflow, which is not loaded for it; else our own."""
    try:
        return Response(version("mlflow"), media_type="text/plain")
    except PackageNotFoundError:
        return Response(version("lakeline"), media_type="text/plain")


@router.post("/invocations", response_class=Response, summary="Predicts many rows, as MLflow's clients send them")
async def invocations(request: Request) -> Response:
    """One prediction for each row of dataframe_split, dataframe_records, instances or inputs."""
    started, first = time.perf_counter(), chosen_of(request)
    kind = request.headers.get("content-type")
    if not is_json(kind):
        raise WrongContentType(kind)
    body = await rows_body(request)

    def answered(chosen: Chosen) -> Response:
        predictor = chosen.predictor
        rows = predictor.signature.check_rows(read_rows(body, predictor.card.features))
        asked = Asked(matrix=predictor.encoding.rows(rows), rows=lambda: rows)
        said = say(predictor, asked)
        record(request, chosen, asked, said, started)
        told = json.dumps({"predictions": said.predictions.tolist()}).encode()
        return Response(told, media_type="application/json", headers=predictor.headers)

    return await run_in_threadpool(answered_by, request, first, answered)
