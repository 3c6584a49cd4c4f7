"""The OpenAPI document, with the fields of the model that serves at this moment."""

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.serving import Serving

_ANY: dict[str, object] = {
    "type": "object",
    "title": "Features",
    "description": "no model is loaded yet; its fields stand here as soon as one is",
}
_PROBLEM: dict[str, object] = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": ["string", "null"]},
                    "reason": {"type": "string"},
                    "kind": {"type": "string"},
                    "row": {"type": "integer"},
                },
                "required": ["field", "reason", "kind"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
_PROBLEM_BODY: dict[str, object] = {"content": {"application/problem+json": {"schema": _PROBLEM}}}
_HEADERS = ("X-Model-Name", "X-Model-Version", "X-Model-Run", "X-Model-Inputs")


def openapi_of(app: FastAPI, serving: Serving) -> Callable[[], dict[str, object]]:
    """The function that makes the document; it is made anew for each question, since the model may have changed."""

    def openapi() -> dict[str, object]:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        document["paths"]["/predict"] = {
            "post": {
                "tags": ["prediction"],
                "summary": "Predicts one row",
                "operationId": "predict",
                "requestBody": {"required": True, "content": _json(_fields(serving))},
                "responses": _answers(serving),
            }
        }
        return document

    return openapi


def _fields(serving: Serving) -> dict[str, object]:
    return _ANY if serving.predictor is None else serving.predictor.schema.json_schema()


def _answers(serving: Serving) -> dict[str, object]:
    kind = "number" if serving.predictor is None or serving.predictor.reading == "value" else "integer"
    body: dict[str, object] = {
        "type": "object",
        "properties": {"prediction": {"type": kind}},
        "required": ["prediction"],
    }
    headers = {name: {"schema": {"type": "string"}} for name in _HEADERS}
    return {
        "200": {"description": "the prediction", "content": _json(body), "headers": headers},
        "400": {"description": "the body is not JSON"} | _PROBLEM_BODY,
        "413": {"description": "the body is too large"} | _PROBLEM_BODY,
        "415": {
            "description": "the body does not say it is JSON",
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        },
        "422": {
            "description": "a field is not as the model wants it",
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        },
        "503": {"description": "no model is loaded yet"} | _PROBLEM_BODY,
    }


def _json(schema: dict[str, object]) -> dict[str, object]:
    return {"application/json": {"schema": schema}}
