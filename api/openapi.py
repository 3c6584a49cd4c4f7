"""The OpenAPI document, with the fields of the model that serves at this moment."""

from collections.abc import Callable, Iterator

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.described import PROBLEM, answers_of, requests_of
from api.door.door import Door
from api.problem import MEDIA_TYPE
from api.serving import Serving
from api.straight import PATH

_HEADERS = ("X-Model-Name", "X-Model-Version", "X-Model-Run", "X-Model-Inputs")
_PROBLEM_BODY: dict[str, object] = {MEDIA_TYPE: {"schema": PROBLEM}}
_REFUSALS = {
    "400": "the body is not what its content type says",
    "413": "the body is too large",
    "415": "the body is of a kind that is not read here",
    "422": "a field is not as the model wants it",
    "503": "no model is loaded yet",
}


_TOKEN: dict[str, object] = {"type": "http", "scheme": "bearer"}


def openapi_of(app: FastAPI, serving: Serving, door: Door | None = None) -> Callable[[], dict[str, object]]:
    """The function that makes the document; it is made anew for each question, since the model may have changed."""

    def openapi() -> dict[str, object]:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        straight = {"tags": ["prediction"], "summary": "Predicts one row", "operationId": "predict"}
        document["paths"] = {PATH: {"post": straight}, **document["paths"]}
        requests, answers = requests_of(serving.predictor), answers_of(serving.predictor)
        for path, operation in _operations(document["paths"]):
            if path in requests:
                operation["requestBody"] = {"required": True, "content": requests[path]}
            operation["responses"] = _responses(operation.get("responses", {}), answers.get(path), path in requests)
        # What FastAPI would answer to a request that it refuses itself; we answer with a problem.
        document.pop("components", None)
        if door is not None and (door.predict.are_wanted or door.admin.are_wanted):
            document["components"] = {"securitySchemes": {"token": _TOKEN}}
            for path, operation in _operations(document["paths"]):
                operation["security"] = [{"token": []}] if door.wants_token(path) else []
        return document

    return openapi


def _operations(paths: dict[str, dict[str, dict[str, object]]]) -> Iterator[tuple[str, dict[str, object]]]:
    return ((path, operation) for path, methods in paths.items() for operation in methods.values())


def _responses(told: object, answer: object, asks_the_model: bool) -> dict[str, object]:
    responses = {status: said for status, said in dict(told).items() if status != "422"}  # type: ignore[call-overload]
    if answer is not None:
        responses["200"] = {"description": "the answer", "content": answer}
    if asks_the_model:
        responses["200"]["headers"] = {name: {"schema": {"type": "string"}} for name in _HEADERS}
        responses |= {status: {"description": why, "content": _PROBLEM_BODY} for status, why in _REFUSALS.items()}
    return responses | {"default": {"description": "why there is no answer", "content": _PROBLEM_BODY}}
