import asyncio
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.arrow import MEDIA_TYPE
from api.settings import ApiSettings
from tests.api import served_models as models
from tests.api.asked import JSON, Kept, ask, ask_all, iris_app, serving

ARROW = {"content-type": MEDIA_TYPE}
ROWS = [models.SETOSA, models.VIRGINICA, models.SETOSA]


def stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def table_of(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(content).read_all()


@pytest.fixture(scope="module")
def kept() -> Kept:
    return Kept()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, iris: xgboost.Booster, kept: Kept) -> FastAPI:
    return iris_app(tmp_path_factory.mktemp("iris"), iris, kept)


@pytest.fixture(scope="module")
def rent(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    folder = tmp_path_factory.mktemp("rent")
    place = models.place(folder / "1", models.rent_booster(), models.rent_card())
    return create_app(ApiSettings(home=folder, serve_model="rent"), serving(place))


def test_requests_of_one_turn_are_answered_each_with_its_own(app: FastAPI, kept: Kept) -> None:
    kept.answers.clear()
    sent = [*ROWS, {"sepal_length": "x"}, models.SETOSA | {"petal_width": 0}, *ROWS]
    answers = asyncio.run(ask_all(app, *(("POST", "/predict", {"json": row}) for row in sent)))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422, 422, 200, 200, 200]
    told = [answer.json()["prediction"] for answer in answers if answer.status_code == 200]
    assert told == [0, 2, 0, 0, 2, 0]
    first = kept.answers[0]
    assert len(kept.answers) == 6
    assert (first.model, first.version, first.variant) == ("iris_xgboost_classifier", 1, "production")
    assert first.features == models.SETOSA
    assert first.probabilities is not None
    assert np.argmax(first.probabilities) == first.prediction == 0


def test_many_rows_are_the_same_one_by_one_as_json_and_as_arrow(app: FastAPI, kept: Kept) -> None:
    kept.answers.clear()
    by_json = ask(app, "POST", "/predict/batch", json=ROWS)
    by_arrow = ask(app, "POST", "/predict/batch", content=stream(pa.Table.from_pylist(ROWS)), headers=ARROW)
    assert by_json.json() == {"predictions": [0, 2, 0]}
    assert by_json.headers["x-model-inputs"] == "gold.iris_features@3"
    found = table_of(by_arrow.content)
    assert by_arrow.headers["content-type"] == MEDIA_TYPE
    assert found.to_pydict() == {"prediction": [0, 2, 0]}
    assert found.schema.metadata[b"X-Model-Version"] == b"1"
    assert [answer.features for answer in kept.answers] == [*ROWS, *ROWS]
    assert [answer.row for answer in kept.answers] == [0, 1, 2, 0, 1, 2]
    assert len({(answer.request_id, answer.row) for answer in kept.answers}) == 6
    assert all({"petal_width", "petal_ratio"} <= set(answer.known) for answer in kept.answers)


def test_probabilities_are_told_by_the_names_of_the_classes(app: FastAPI) -> None:
    one = ask(app, "POST", "/predict_proba", json=models.VIRGINICA).json()
    assert list(one["probabilities"]) == ["setosa", "versicolor", "virginica"]
    assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    many = ask(app, "POST", "/predict_proba", json=[models.SETOSA, models.VIRGINICA]).json()
    assert many["probabilities"][1] == list(one["probabilities"].values())
    arrow = ask(app, "POST", "/predict_proba", content=stream(pa.Table.from_pylist(ROWS)), headers=ARROW)
    assert table_of(arrow.content)["probabilities"].to_pylist()[:2] == many["probabilities"]


def test_an_explanation_adds_up_to_the_margin(app: FastAPI, iris: xgboost.Booster) -> None:
    told = ask(app, "POST", "/explain", json=models.VIRGINICA).json()
    row = np.array([[*models.VIRGINICA.values(), 6.0 / 2.5]], dtype=np.float32)
    margins = iris.inplace_predict(row, predict_type="margin")[0]
    added = [account["bias"] + sum(account["features"].values()) for account in told["contributions"]]
    assert [account["of"] for account in told["contributions"]] == ["setosa", "versicolor", "virginica"]
    assert added == pytest.approx(margins.tolist(), abs=1e-4)
    assert list(told["contributions"][0]["features"]) == [*models.FIELDS, "petal_ratio"]


def test_another_model_is_served_by_its_card(rent: FastAPI) -> None:
    answer = ask(rent, "POST", "/predict", json=models.FLAT)
    assert answer.json()["prediction"] == pytest.approx(650, rel=0.2)
    without_floor = {name: value for name, value in models.FLAT.items() if name != "floor"}
    rows = [models.FLAT, models.FLAT | {"floor": None}, models.FLAT | {"town": "Bonn"}]
    told = ask(rent, "POST", "/predict/batch", json=rows).json()["predictions"]
    arrow = ask(rent, "POST", "/predict/batch", content=stream(pa.Table.from_pylist(rows)), headers=ARROW)
    assert table_of(arrow.content)["prediction"].to_pylist() == told
    assert ask(rent, "POST", "/predict", json=without_floor).json()["prediction"] == told[1]
    assert ask(rent, "POST", "/predict_proba", json=models.FLAT).status_code == 400
    (account,) = ask(rent, "POST", "/explain", json=models.FLAT).json()["contributions"]
    assert account["of"] == "value"
    (shown,) = ask(rent, "GET", "/models").json()["models"]
    assert (shown["name"], shown["variant"], shown["answers"]) == ("rent", "production", "a value")
    assert "without golden rows" in shown["note"]
    assert "Koeln" in ask(rent, "GET", "/docs").text


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"area": [50.0, float("nan")]}, "area", "wanted a finite number"),
        ({"area": [50.0, None]}, "area", "is null, and no row of the training had none"),
        ({"area": ["a", "b"]}, "area", "cannot be an Arrow column of the type string"),
        ({"area": [1e39, 1.0]}, "area", "is too large for the model"),
        ({"area": [True, False]}, "area", "wanted numbers; found bool"),
        ({"town": ["Bonn", "Rome"]}, "town", "wanted one of Bonn, Koeln, Mainz"),
        ({"town": [1, 2]}, "town", "wanted texts; found int64"),
        ({"floor": [1.5, 2.0]}, "floor", "wanted whole numbers; found float64"),
        ({"is_new": [1, 0]}, "is_new", "wanted true or false; found int64"),
        ({"colour": ["red", "red"]}, "colour", "is not a field of this model"),
        ({"area": None}, "area", "is required"),
    ],
)
def test_a_wrong_column_is_told_by_its_name(
    rent: FastAPI, changes: dict[str, list[object] | None], field: str, reason: str
) -> None:
    columns = {name: [value, value] for name, value in models.FLAT.items()} | changes
    table = pa.table({name: values for name, values in columns.items() if values is not None})
    answer = ask(rent, "POST", "/predict/batch", content=stream(table), headers=ARROW)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]
    assert reason in answer.json()["errors"][0]["reason"]


def test_a_body_that_is_no_batch_is_refused(app: FastAPI) -> None:
    for content, headers, status in (
        (b"[]", JSON, 422),
        (b"{}", JSON, 422),
        (b"[" * 50_000, JSON, 400),
        (b"[1]", JSON, 422),
        (b"a,b", {"content-type": "text/csv"}, 415),
        (b"not arrow", ARROW, 400),
        (b"", ARROW, 400),
        (stream(pa.table({"a": pa.array([], pa.float64())})), ARROW, 422),
    ):
        answer = ask(app, "POST", "/predict/batch", content=content, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), content
    (fault,) = ask(app, "POST", "/predict/batch", json=[ROWS[0], ROWS[1] | {"petal_width": 0}]).json()["errors"][:1]
    assert (fault["row"], fault["field"]) == (1, "petal_length")
    small = create_app(ApiSettings(serve_rows_limit=100), app.state.serving)
    assert ask(small, "POST", "/predict/batch", json=ROWS).status_code == 413


def test_a_stream_that_would_unpack_to_more_than_it_is_is_refused(app: FastAPI) -> None:
    for column in (pa.array([1.0] * 50), pa.array(["a"] * 50).dictionary_encode()):
        for packed in ("lz4", "zstd"):
            table, sink = pa.table({"a": column}), pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=packed)) as writer:
                writer.write_table(table)
            answer = ask(app, "POST", "/predict/batch", content=bytes(sink.getvalue()), headers=ARROW)
            assert (answer.status_code, "it is compressed" in answer.text) == (400, True)


def test_a_stream_that_tells_of_more_rows_than_it_can_hold_is_refused(app: FastAPI) -> None:
    for rows, status, reason in ((10**7, 400, "cannot hold so many"), (3, 422, "of the type null")):
        content = stream(pa.table({name: pa.nulls(rows) for name in models.FIELDS}))
        assert len(content) < 2000
        answer = ask(app, "POST", "/predict/batch", content=content, headers=ARROW)
        assert (answer.status_code, reason in answer.text) == (status, True)


def test_a_stream_whose_column_has_no_name_in_unicode_is_refused(app: FastAPI) -> None:
    content = stream(pa.Table.from_pylist(ROWS)).replace(b"sepal_length", b"\x80epal_length", 1)
    assert ask(app, "POST", "/predict/batch", content=content, headers=ARROW).status_code == 400


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_broken_stream_brings_it_down(app: FastAPI, data: st.DataObject) -> None:
    broken = bytearray(stream(pa.Table.from_pylist(ROWS)))
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(broken[: data.draw(st.integers(len(broken) - 40, len(broken)))])
    assert ask(app, "POST", "/predict/batch", content=content, headers=ARROW).status_code in {200, 400, 422}


def test_where_a_version_comes_from_is_told(tmp_path: Path, iris: xgboost.Booster) -> None:
    trained = {"asset": "models.iris_xgboost_classifier", "code": "c0de", "run": "r1"}
    older = tmp_path / "serving" / "iris_xgboost_classifier" / "7"
    models.place(older, iris, models.card(7, trained=trained))
    app = iris_app(tmp_path, iris)
    now = ask(app, "GET", "/lineage/iris_xgboost_classifier/1").json()
    assert (now["run"], now["is_served"], now["trained"]) == ("run1", True, None)
    kept = ask(app, "GET", "/lineage/iris_xgboost_classifier/7").json()
    assert (kept["is_served"], kept["trained"]) == (False, trained)
    assert kept["inputs"] == {"gold.iris_features": {"table": "t-1", "version": 9}}
    for strange in (
        "iris_xgboost_classifier/8",
        "other/1",
        "iris_xgboost_classifier/..%2f7",
        "iris_xgboost_classifier/x",
    ):
        assert ask(app, "GET", f"/lineage/{strange}").status_code == 404
    assert json.loads(ask(app, "GET", "/models").content)["refused"] == []
