"""The bodies of requests and answers as JSON Schema, with the fields of the model that serves at this moment."""

from collections.abc import Mapping

from api import arrow
from api.predictor import Predictor

Schema = Mapping[str, object]

ANY_ROW: Schema = {
    "type": "object",
    "title": "Features",
    "description": "no model is loaded yet; its fields stand here as soon as one is",
}
PROBLEM: Schema = {
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
_DATATYPES = ("BOOL", "BYTES", "FP32", "FP64", "INT32", "INT64")
_TENSOR: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
        "datatype": {"type": "string"},
        "data": {"type": "array"},
        "parameters": {"type": "object"},
    },
    "required": ["name", "shape", "datatype"],
}


def requests_of(predictor: Predictor | None) -> Mapping[str, Schema]:
    """What each path takes, by media type."""
    row = ANY_ROW if predictor is None else predictor.schema.json_schema()
    rows = {"type": "array", "minItems": 1, "items": row}
    stream = {"type": "string", "format": "binary"}
    infer = _json(_infer(predictor))
    return {
        "/predict": _json(row),
        "/predict/batch": {**_json(rows), arrow.MEDIA_TYPE: {"schema": stream}},
        "/predict_proba": {**_json({"oneOf": [row, rows]}), arrow.MEDIA_TYPE: {"schema": stream}},
        "/explain": _json({"oneOf": [row, rows]}),
        "/v2/models/{name}/infer": infer,
        "/v2/models/{name}/versions/{version}/infer": infer,
        "/invocations": _json(_invocation(predictor)),
    }


def answers_of(predictor: Predictor | None) -> Mapping[str, Schema]:
    """What each path answers with where all is well, by media type."""
    prediction = {"type": "number" if predictor is None or predictor.reading == "value" else "integer"}
    predictions = {"type": "array", "items": prediction}
    stream = {arrow.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    many = _object(predictions=predictions)
    infer = _json(_object(model_name={"type": "string"}, outputs={"type": "array", "items": _TENSOR}))
    told = {"type": ["object", "array"]}
    return {
        "/predict": _json(_object(prediction=prediction)),
        "/predict/batch": {**_json(many), **stream},
        "/predict_proba": {**_json({"oneOf": [_object(prediction=prediction, probabilities=told), many]}), **stream},
        "/explain": _json({"oneOf": [_object(prediction=prediction, contributions=told), many]}),
        "/v2/models/{name}/infer": infer,
        "/v2/models/{name}/versions/{version}/infer": infer,
        "/invocations": _json(many),
        "/ping": _json({}),
        "/version": {"text/plain": {"schema": {"type": "string"}}},
        "/metrics": {"text/plain": {"schema": {"type": "string"}}},
    }


def _infer(predictor: Predictor | None) -> Schema:
    names = {"type": "string"} if predictor is None else {"enum": list(predictor.schema.fields)}
    tensor = {**_TENSOR, "properties": {**_properties(_TENSOR), "name": names, "datatype": {"enum": _DATATYPES}}}
    inputs = {"type": "array", "minItems": 1, "items": tensor}
    return {
        "type": "object",
        "properties": {"id": {"type": "string"}, "inputs": inputs, "outputs": {"type": "array", "items": _WANTED}},
        "required": ["inputs"],
    }


_WANTED: Schema = {
    "type": "object",
    "properties": {"name": {"enum": ["prediction", "probabilities"]}},
    "required": ["name"],
}


def _invocation(predictor: Predictor | None) -> Schema:
    row = ANY_ROW if predictor is None else predictor.signature.json_schema()
    rows = {"type": "array", "minItems": 1, "items": row}
    listed = {"type": "array", "minItems": 1, "items": {"type": "array"}}
    split = _object(columns={"type": "array", "items": {"type": "string"}}, data=listed)
    return {
        "oneOf": [
            _object(dataframe_records=rows),
            _object(dataframe_split=split),
            _object(instances={"oneOf": [rows, listed]}),
            _object(inputs={"oneOf": [{"type": "object"}, rows, listed]}),
        ]
    }


def _properties(schema: Schema) -> Mapping[str, object]:
    found = schema["properties"]
    assert isinstance(found, dict)
    return found


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _json(schema: Schema) -> dict[str, object]:
    return {"application/json": {"schema": schema}}
