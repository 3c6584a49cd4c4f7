import json
import struct
from pathlib import Path

import numpy as np
import pytest
import xgboost
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.serving import Serving
from api.settings import ApiSettings
from tests.api import served_models as models
from tests.api.asked import JSON, ask, iris_app, serving

NAME = "/v2/models/iris_xgboost_classifier"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, iris: xgboost.Booster) -> FastAPI:
    return iris_app(tmp_path_factory.mktemp("iris"), iris)


@pytest.fixture(scope="module")
def rent(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    place = models.place(tmp_path_factory.mktemp("rent"), models.rent_booster(), models.rent_card())
    return create_app(ApiSettings(), serving(place))


def tensors(*rows: dict[str, float]) -> list[dict[str, object]]:
    return [
        {"name": name, "shape": [len(rows)], "datatype": "FP64", "data": [row[name] for row in rows]}
        for name in models.FIELDS
    ]


def test_the_protocol_tells_true_names_shapes_and_types(app: FastAPI, rent: FastAPI) -> None:
    assert ask(app, "GET", "/v2").json()["extensions"] == ["binary_tensor_data"]
    for path in ("/v2/health/live", "/v2/health/ready", f"{NAME}/ready", f"{NAME}/versions/1/ready"):
        assert ask(app, "GET", path).status_code == 200
    told = ask(app, "GET", f"{NAME}/versions/1").json()
    assert (told["versions"], [one["name"] for one in told["inputs"]]) == (["1"], list(models.FIELDS))
    assert told["outputs"] == [
        {"name": "prediction", "datatype": "INT64", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
    ]
    types = {one["name"]: one["datatype"] for one in ask(rent, "GET", "/v2/models/rent").json()["inputs"]}
    assert types == {"area": "FP64", "town": "BYTES", "floor": "INT64", "is_new": "BOOL"}
    for path in ("/v2/models/other", f"{NAME}/versions/2", f"{NAME}/versions/2/ready"):
        answer = ask(app, "GET", path)
        assert (answer.status_code, "is not served here" in answer.json()["error"]) == (404, True)
    # What the protocol knows and this server does not have.
    told = ask(app, "POST", "/v2/repository/index").json()
    assert told["error"] == told["detail"] == "Not Found"
    empty = create_app(ApiSettings(), Serving())
    assert [ask(empty, "GET", path).status_code for path in ("/v2/health/ready", "/v2/models/x/ready")] == [503, 503]
    assert ask(empty, "GET", "/v2/health/live").status_code == 200


def test_tensors_of_json_are_answered_by_tensors(app: FastAPI) -> None:
    sent = {"id": "42", "inputs": tensors(models.SETOSA, models.VIRGINICA)}
    told = ask(app, "POST", f"{NAME}/infer", json=sent).json()
    assert {name: told[name] for name in ("id", "model_name", "model_version")} == {
        "id": "42",
        "model_name": "iris_xgboost_classifier",
        "model_version": "1",
    }
    prediction, probabilities = told["outputs"]
    assert prediction == {"name": "prediction", "datatype": "INT64", "shape": [2], "data": [0, 2]}
    assert (probabilities["shape"], len(probabilities["data"])) == ([2, 3], 6)
    one = {"inputs": [{**tensor, "shape": [1, 1], "data": [tensor["data"]]} for tensor in tensors(models.VIRGINICA)]}
    asked = ask(app, "POST", f"{NAME}/versions/1/infer", json=one | {"outputs": [{"name": "prediction"}]}).json()
    assert [output["data"] for output in asked["outputs"]] == [[2]]


def binary(inputs: dict[str, tuple[str, bytes]], count: int) -> tuple[bytes, dict[str, str]]:
    told = [
        {"name": name, "shape": [count, 1], "datatype": kind, "parameters": {"binary_data_size": len(raw)}}
        for name, (kind, raw) in inputs.items()
    ]
    head = json.dumps(
        {"inputs": told, "outputs": [{"name": "prediction", "parameters": {"binary_data": True}}]}
    ).encode()
    return head + b"".join(raw for _, raw in inputs.values()), {"inference-header-content-length": str(len(head))}


def test_bytes_behind_the_json_are_answered_by_bytes(rent: FastAPI) -> None:
    town = b"".join(struct.pack("<I", len(name)) + name for name in (b"Koeln", b"Bonn"))
    body, headers = binary(
        {
            "area": ("FP32", np.array([50, 50], "<f4").tobytes()),
            "town": ("BYTES", town),
            "floor": ("INT32", np.array([2, 2], "<i4").tobytes()),
            "is_new": ("BOOL", b"\0\0"),
        },
        2,
    )
    answer = ask(rent, "POST", "/v2/models/rent/infer", content=body, headers=headers)
    assert answer.status_code == 200
    length = int(answer.headers["inference-header-content-length"])
    (output,) = json.loads(answer.content[:length])["outputs"]
    assert (output["datatype"], output["parameters"]) == ("FP64", {"binary_data_size": 16})
    rows = [models.FLAT, models.FLAT | {"town": "Bonn"}]
    expected = ask(rent, "POST", "/predict/batch", json=rows).json()["predictions"]
    assert np.frombuffer(answer.content[length:], "<f8").tolist() == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": [True]}, "wanted FP64"),
        ({"data": ["5.1"]}, "wanted FP64"),
        ({"data": [None]}, "wanted FP64"),
        ({"data": [1e300]}, "too large"),
        ({"data": [1.0, 2.0]}, "its shape says 1"),
        ({"shape": [1, 4], "data": [1.0] * 4}, "wanted one value for each row"),
        ({"shape": [0], "data": []}, "at least one"),
        ({"shape": [-1]}, "greater than or equal to 0"),
        ({"shape": [2], "data": [1.0, 2.0]}, "as many rows in each input"),
        ({"datatype": "FP99"}, "datatype 'FP99'"),
        ({"datatype": "BYTES", "data": ["a"]}, "wanted numbers"),
        ({"data": None}, "neither data nor binary_data_size"),
        ({"name": "colour"}, "is not a field of this model"),
        ({"name": "sepal_width"}, "is there twice"),
        ({"parameters": {"binary_data_size": 8}}, "how many bytes"),
        ({"parameters": {"binary_data_size": True}}, "how many bytes"),
    ],
)
def test_a_wrong_tensor_is_told_by_its_name(app: FastAPI, changes: dict[str, object], reason: str) -> None:
    first, *rest = tensors(models.SETOSA)
    answer = ask(app, "POST", f"{NAME}/infer", json={"inputs": [first | changes, *rest]})
    assert answer.status_code == 422
    assert reason in answer.text
    assert answer.json()["error"] == answer.json()["detail"]


def test_a_body_that_is_no_inference_is_refused(app: FastAPI) -> None:
    url = f"{NAME}/infer"
    assert ask(app, "POST", url, content=b"[" * 9_000, headers=JSON).status_code == 400
    assert ask(app, "POST", url, content=b"{}", headers={"content-type": "text/csv"}).status_code == 415
    assert ask(app, "POST", url, json={"inputs": []}).status_code == 422
    assert ask(app, "POST", url, json={"inputs": tensors(models.SETOSA), "outputs": [{"name": "x"}]}).status_code == 422
    for length in ("x", "-1", "99999", "²"):
        headers = {**JSON, "inference-header-content-length": length.encode()}
        assert ask(app, "POST", url, content=b"{}", headers=headers).status_code == 422


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_inference_at_all_brings_it_down(rent: FastAPI, data: st.DataObject) -> None:
    kinds = st.sampled_from(["FP64", "FP32", "FP16", "INT8", "UINT64", "BOOL", "BYTES", "x"])
    inputs = {name: (data.draw(kinds), data.draw(st.binary(max_size=20))) for name in models.RENT}
    body, headers = binary(inputs, data.draw(st.integers(0, 3)))
    url = "/v2/models/rent/infer"
    assert ask(rent, "POST", url, content=body, headers=headers).status_code in {200, 400, 422}
    anything = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists)
    tensor = st.fixed_dictionaries(
        {"name": st.sampled_from(models.RENT), "shape": anything, "datatype": kinds, "data": anything}
    )
    told = json.dumps({"inputs": data.draw(st.lists(tensor, max_size=4))}).encode()
    assert ask(rent, "POST", url, content=told, headers=JSON).status_code in {200, 400, 422}


ROW = [*models.SETOSA.values(), 7.0]
NAMES = [*models.FIELDS, "petal_ratio"]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": NAMES, "data": [ROW], "index": [0]}},
        {"dataframe_split": {"columns": list(models.FIELDS), "data": [ROW[:4]]}},
        {"dataframe_records": [models.SETOSA], "params": {}},
        {"instances": [dict(zip(NAMES, ROW, strict=True))]},
        {"instances": [ROW]},
        {"inputs": {name: [value] for name, value in models.SETOSA.items()}},
        {"inputs": {name: [[value]] for name, value in models.SETOSA.items()}},
    ],
)
def test_clients_of_mlflow_are_answered_in_each_of_their_forms(app: FastAPI, body: dict[str, object]) -> None:
    answer = ask(app, "POST", "/invocations", json=body)
    assert (answer.status_code, answer.json()) == (200, {"predictions": [0]})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "wanted a JSON object with one of"),
        ({}, "exactly one of"),
        ({"instances": [ROW], "inputs": [ROW]}, "exactly one of"),
        ({"instances": [ROW], "other": 1}, "exactly one of"),
        ({"instances": 5}, "wanted a list of rows"),
        ({"instances": [5]}, "wanted a JSON object with one value per field"),
        ({"instances": [[1.0]]}, "has 1 values; wanted 5"),
        ({"instances": []}, "at least one row"),
        ({"dataframe_records": [models.SETOSA | {"petal_width": True}]}, "petal_width: wanted a number"),
        ({"dataframe_records": [models.SETOSA | {"petal_width": None}]}, "petal_width: wanted a number"),
        ({"dataframe_records": [models.SETOSA | {"x": 1}]}, "x: is not a field"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "is there twice"),
        ({"dataframe_split": {"columns": [1], "data": [[1]]}}, "list of texts"),
        ({"dataframe_split": [ROW]}, "columns and data"),
        ({"inputs": {"a": [1], "b": [1, 2]}}, "as many values for each column"),
        ({"instances": [ROW], "params": {"seed": 1}}, "takes no parameters"),
    ],
)
def test_what_mlflows_clients_send_wrongly_is_refused(app: FastAPI, body: object, reason: str) -> None:
    answer = ask(app, "POST", "/invocations", json=body)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]


def test_mlflows_clients_find_the_server(app: FastAPI, tmp_path: Path) -> None:
    assert ask(app, "GET", "/ping").status_code == 200
    assert ask(app, "GET", "/version").text == "3.17.2"
    assert ask(create_app(ApiSettings(), Serving()), "GET", "/ping").status_code == 503
    assert (
        ask(app, "POST", "/invocations", content=b'{"instances": [[NaN, 1, 1, 1, 1]]}', headers=JSON).status_code == 422
    )
    assert ask(app, "POST", "/invocations", content=b"{" * 9_000, headers=JSON).status_code == 400
