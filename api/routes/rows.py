"""`/predict/batch`, `/predict_proba` and `/explain`: many rows at once, and more than the bare answer."""

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api import arrow
from api.body import bare, is_json
from api.deps import chosen_of, row_body, rows_body
from api.errors import NotAClassifier, WrongContentType
from api.instead import answered_by
from api.predictor import Predictor
from api.rows import Asked, Said, record, say
from api.serving import Chosen

if TYPE_CHECKING:
    import numpy as np

Form = Literal["row", "rows", "arrow"]

router = APIRouter(tags=["prediction"])
_WANTED = f"send a JSON array with 'content-type: application/json', or a stream with {arrow.MEDIA_TYPE!r}"


@router.post("/predict/batch", response_class=Response, summary="Predicts many rows: JSON, or an Arrow stream")
async def predict_batch(request: Request) -> Response:
    """One prediction for each row, in their order; an Arrow stream is answered by one."""
    started, first, form = time.perf_counter(), chosen_of(request), _form(request)
    body = await rows_body(request)

    def answered(chosen: Chosen) -> Response:
        asked = _asked(chosen.predictor, body, form)
        said = say(chosen.predictor, asked)
        record(request, chosen, asked, said, started)
        if form == "arrow":
            return _stream(chosen.predictor, {"prediction": said.predictions})
        return _json(chosen.predictor, {"predictions": said.predictions.tolist()})

    return await run_in_threadpool(answered_by, request, first, answered)


@router.post("/predict_proba", response_class=Response, summary="Tells how likely each class is")
async def predict_proba(request: Request) -> Response:
    """The probability of each class, for one row, an array of rows, or an Arrow stream."""
    started, first, form = time.perf_counter(), chosen_of(request), _form(request)
    body = await rows_body(request)

    def answered(chosen: Chosen) -> Response:
        if chosen.predictor.classes is None:
            raise NotAClassifier(chosen.predictor.card.name)
        told = "row" if form == "rows" and _is_one(body) else form
        asked = _asked(chosen.predictor, body, told)
        said = say(chosen.predictor, asked)
        record(request, chosen, asked, said, started)
        return _likely(chosen, said, told)

    return await run_in_threadpool(answered_by, request, first, answered)


@router.post("/explain", response_class=Response, summary="Tells what each feature added to the answer")
async def explain(request: Request) -> Response:
    """What each feature adds to the model's margin, by XGBoost's own account, for one row or an array of few."""
    first = chosen_of(request)
    body = await row_body(request)

    def answered(chosen: Chosen) -> Response:
        predictor = chosen.predictor
        is_one = _is_one(body)
        asked = _asked(predictor, body, "row" if is_one else "rows")
        predictions = say(predictor, asked).predictions.tolist()
        explained = [_explained(predictor, row) for row in predictor.contributions(asked.matrix)]
        if is_one:
            return _json(predictor, {"prediction": predictions[0], "contributions": explained[0]})
        return _json(predictor, {"predictions": predictions, "contributions": explained})

    return await run_in_threadpool(answered_by, request, first, answered)


def _form(request: Request) -> Form:
    kind = request.headers.get("content-type")
    if bare(kind) == arrow.MEDIA_TYPE:
        return "arrow"
    if is_json(kind):
        return "rows"
    raise WrongContentType(kind, _WANTED)


def _is_one(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{"


def _asked(predictor: Predictor, body: bytes, form: Form) -> Asked:
    if form == "arrow":
        table = arrow.read_table(body)
        columns = arrow.columns_of(table, predictor.schema)
        return Asked(matrix=predictor.encoding.columns(columns), rows=table.to_pylist)
    if form == "rows":
        rows = predictor.schema.read_rows(body)
        return Asked(matrix=predictor.encoding.rows(rows), rows=lambda: rows)
    row = predictor.schema.read(body)
    return Asked(matrix=predictor.encoding.one(row), rows=lambda: [row])


def _likely(chosen: Chosen, said: Said, form: Form) -> Response:
    predictor, probabilities = chosen.predictor, said.probabilities
    assert probabilities is not None
    classes = predictor.classes or ()
    if form == "arrow":
        columns = {"prediction": said.predictions, "probabilities": probabilities}
        return _stream(predictor, columns, {"classes": json.dumps(classes)})
    if form == "row":
        likely = dict(zip(classes, probabilities[0].tolist(), strict=True))
        return _json(predictor, {"prediction": said.predictions[0].item(), "probabilities": likely})
    told = {"predictions": said.predictions.tolist(), "classes": classes, "probabilities": probabilities.tolist()}
    return _json(predictor, told)


def _explained(predictor: Predictor, contributions: "np.ndarray") -> list[dict[str, object]]:
    """One account for each output of the model: a class's margin, or the value."""
    classes = predictor.classes
    names = ["value"] if classes is None else list(classes)[-len(contributions) :]
    if len(names) != len(contributions):
        names = list(map(str, range(len(contributions))))
    features = predictor.card.features
    return [
        {"of": name, "bias": row[-1], "features": dict(zip(features, row[:-1], strict=True))}
        for name, row in zip(names, contributions.astype(float).tolist(), strict=True)
    ]


def _json(predictor: Predictor, told: Mapping[str, object]) -> Response:
    body = json.dumps(told, separators=(",", ":")).encode()
    return Response(body, media_type="application/json", headers=predictor.headers)


def _stream(
    predictor: Predictor, columns: "Mapping[str, np.ndarray]", told: Mapping[str, str] | None = None
) -> Response:
    body = arrow.write_stream(columns, {**predictor.headers, **(told or {})})
    return Response(body, media_type=arrow.MEDIA_TYPE, headers=predictor.headers)
