"""The Open Inference Protocol, version 2, over REST: what clients of KServe, Triton and MLServer ask."""

import time
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from api.body import bare, is_json
from api.columns import absent, check_names, checked
from api.deps import chosen_of, rows_body, serving_of
from api.errors import Fault, InputRefused, NotServed, WrongContentType
from api.instead import answered_by
from api.predictor import Predictor
from api.rows import Asked, record, say
from api.serving import Chosen
from api.tensors import BINARY, LENGTH, Infer, read_infer, write_infer

if TYPE_CHECKING:
    import numpy as np

router = APIRouter(prefix="/v2", tags=["open inference protocol"])

_DATATYPES = {
    "double": "FP64",
    "float": "FP32",
    "long": "INT64",
    "integer": "INT32",
    "boolean": "BOOL",
    "string": "BYTES",
}


@router.get("", response_class=JSONResponse, summary="The server")
async def server(request: Request) -> Response:
    """What this server is, and which extensions of the protocol it knows."""
    return JSONResponse({"name": "lakeline", "version": request.app.version, "extensions": ["binary_tensor_data"]})


@router.get("/health/live", response_class=JSONResponse, summary="Whether the process lives")
async def live() -> Response:
    """Answers 200 as long as the process runs."""
    return JSONResponse({"live": True})


@router.get("/health/ready", response_class=JSONResponse, summary="Whether a model is loaded")
async def ready(request: Request) -> Response:
    """Answers 200 where requests may be sent, else 503."""
    is_ready, _ = serving_of(request).readiness()
    return JSONResponse({"ready": is_ready}, status_code=200 if is_ready else 503)


@router.get("/models/{name}", response_class=JSONResponse, summary="What a model takes and tells")
@router.get("/models/{name}/versions/{version}", response_class=JSONResponse, summary="What a version takes and tells")
async def metadata(request: Request, name: str, version: str | None = None) -> Response:
    """The model's inputs and outputs by their true names, each with its type and shape."""
    predictor = _named(request, name, version).predictor
    described = [
        {
            "name": column.name,
            "datatype": _DATATYPES[column.type],
            "shape": [-1],
            "parameters": _optional(column.required),
        }
        for column in predictor.schema.columns
    ]
    return JSONResponse(
        {
            "name": predictor.card.name,
            "versions": [str(predictor.card.version)],
            "platform": "xgboost",
            "inputs": described,
            "outputs": _outputs(predictor),
        }
    )


@router.get("/models/{name}/ready", response_class=JSONResponse, summary="Whether a model answers")
@router.get("/models/{name}/versions/{version}/ready", response_class=JSONResponse, summary="Whether a version answers")
async def model_ready(request: Request, name: str, version: str | None = None) -> Response:
    """Answers 200 where requests to this model may be sent, else 503."""
    found = _named(request, name, version).predictor.card
    is_ready, _ = serving_of(request).readiness()
    return JSONResponse({"name": found.name, "ready": is_ready}, status_code=200 if is_ready else 503)


@router.post("/models/{name}/infer", response_class=Response, summary="Predicts many rows, one tensor for each field")
@router.post("/models/{name}/versions/{version}/infer", response_class=Response, summary="Predicts, by this version")
async def infer(request: Request, name: str, version: str | None = None) -> Response:
    """One prediction for each row, and the probabilities of a classifier, as tensors."""
    started, first = time.perf_counter(), _named(request, name, version)
    header = request.headers.get(LENGTH)
    kind = request.headers.get("content-type")
    # Clients of Triton tell no content type at all.
    if not (kind is None or is_json(kind) or (header is not None and bare(kind) == BINARY)):
        raise WrongContentType(kind, "send JSON, or JSON and bytes as the binary extension of the protocol says")
    body = await rows_body(request)

    def answered(chosen: Chosen) -> Response:
        sent, arrays = read_infer(body, header)
        asked = _asked(chosen.predictor, arrays)
        said = say(chosen.predictor, asked)
        outputs = {"prediction": said.predictions}
        if said.probabilities is not None:
            outputs["probabilities"] = said.probabilities.astype("<f4")
        answer = _answer(chosen, sent, _wanted(sent, outputs))
        # What is refused for an output that the model does not tell was not answered.
        record(request, chosen, asked, said, started)
        return answer

    return await run_in_threadpool(answered_by, request, first, answered)


def _named(request: Request, name: str, version: str | None) -> Chosen:
    chosen = chosen_of(request)
    # Who names a version wants the answer of no other one, whatever the share of the canary is.
    loaded = (chosen,) if version is None else serving_of(request).answering()
    for each in loaded:
        card = each.predictor.card
        if card.name == name and version in (None, str(card.version)):
            return each
    wanted = name if version is None else f"{name}/{version}"
    raise NotServed(wanted, tuple(f"{each.predictor.card.name}/{each.predictor.card.version}" for each in loaded))


def _optional(is_required: bool) -> dict[str, object]:
    return {} if is_required else {"optional": True}


def _outputs(predictor: Predictor) -> list[dict[str, object]]:
    kind = "FP64" if predictor.reading == "value" else "INT64"
    outputs: list[dict[str, object]] = [{"name": "prediction", "datatype": kind, "shape": [-1]}]
    if predictor.classes is not None:
        outputs.append({"name": "probabilities", "datatype": "FP32", "shape": [-1, len(predictor.classes)]})
    return outputs


def _asked(predictor: Predictor, arrays: "dict[str, np.ndarray]") -> Asked:
    import numpy as np

    check_names(predictor.schema, list(arrays))
    lengths = {len(values) for values in arrays.values()}
    if len(lengths) > 1 or 0 in lengths:
        raise InputRefused(
            [Fault(kind="shape", field=None, reason="wanted as many rows in each input, and at least one")]
        )
    (count,) = lengths
    columns = {}
    for column in predictor.schema.columns:
        values = arrays.get(column.name)
        # The protocol has no null: where one is allowed, a tensor says NaN.
        if values is None:
            columns[column.name] = absent(column, count)
            continue
        may_be_null = not column.required and values.dtype.kind == "f"
        columns[column.name] = checked(column, values, np.isnan(values) if may_be_null else None)
    names = list(arrays)

    def rows() -> "list[dict[str, object]]":
        return [
            dict(zip(names, row, strict=True))
            for row in zip(*(values.tolist() for values in arrays.values()), strict=True)
        ]

    return Asked(matrix=predictor.encoding.columns(columns), rows=rows)


def _wanted(sent: Infer, outputs: "dict[str, np.ndarray]") -> "dict[str, np.ndarray]":
    if not sent.outputs:
        return outputs
    names = [wanted.name for wanted in sent.outputs]
    for name in names:
        if name not in outputs:
            told = f"is no output of this model; it tells {', '.join(outputs)}"
            raise InputRefused([Fault(kind="output", field=name[:100], reason=told)])
    return {name: outputs[name] for name in names}


def _answer(chosen: Chosen, sent: Infer, outputs: "dict[str, np.ndarray]") -> Response:
    card = chosen.predictor.card
    told = {"model_name": card.name, "model_version": str(card.version)}
    body, length = write_infer(told, sent, outputs)
    headers = dict(chosen.predictor.headers)
    if length is None:
        return Response(body, media_type="application/json", headers=headers)
    return Response(body, media_type=BINARY, headers=headers | {LENGTH: length})
