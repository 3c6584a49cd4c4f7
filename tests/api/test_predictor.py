import json
import math
from pathlib import Path

import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_iris

from api.errors import InputRefused, ModelBroken
from api.predictor import load
from tests.api import served_models as models


def test_answers_exactly_the_bytes_of_the_contract(tmp_path: Path, iris: xgboost.Booster) -> None:
    predictor = load(models.place(tmp_path, iris, models.card()))
    assert predictor.answer(json.dumps(models.SETOSA).encode()) == b'{"prediction":0}'
    assert predictor.answer(json.dumps(models.VIRGINICA).encode()) == b'{"prediction":2}'


def test_agrees_with_xgboost_on_every_flower(tmp_path: Path, iris: xgboost.Booster) -> None:
    predictor = load(models.place(tmp_path, iris, models.card(objective="")))
    rows, _ = load_iris(return_X_y=True)
    features = np.column_stack([rows, rows[:, 2] / rows[:, 3]])
    names = [*models.FIELDS, *models.DERIVED]
    expected = np.argmax(iris.predict(xgboost.DMatrix(features, feature_names=names)), axis=1)
    assert [predictor.predict(dict(zip(models.FIELDS, row, strict=True))) for row in rows] == expected.tolist()


@pytest.mark.parametrize("objective", ["binary:logistic", "binary:logitraw", "binary:hinge", "multi:softmax"])
def test_a_classifier_answers_the_number_of_the_class(tmp_path: Path, objective: str) -> None:
    _, species = load_iris(return_X_y=True)
    labels = species if objective.startswith("multi:") else (species == 2).astype(float)
    booster = models.iris_booster(objective, labels)
    predictor = load(models.place(tmp_path, booster, models.card(objective=objective)))
    found = [predictor.predict(flower) for flower in (models.SETOSA, models.VIRGINICA)]
    assert found == ([0, 2] if objective.startswith("multi:") else [0, 1])
    assert all(type(value) is int for value in found)


def test_a_regressor_answers_the_plain_value(tmp_path: Path) -> None:
    booster = models.iris_booster("reg:squarederror", np.linspace(0.0, 3.0, 150))
    body = models.card(objective="reg:squarederror", classes=[], example=None)
    answer = json.loads(load(models.place(tmp_path, booster, body)).answer(json.dumps(models.VIRGINICA).encode()))
    assert type(answer["prediction"]) is float
    assert math.isclose(answer["prediction"], 2.0, abs_tol=0.5)


def test_early_stopping_counts_only_the_best_trees(tmp_path: Path, iris: xgboost.Booster) -> None:
    stopped = iris.copy()
    stopped.set_attr(best_iteration="0")
    assert load(models.place(tmp_path, stopped, models.card())).trees == (0, 1)


def test_what_cannot_be_derived_is_refused_with_its_fields(tmp_path: Path, iris: xgboost.Booster) -> None:
    predictor = load(models.place(tmp_path, iris, models.card()))
    with pytest.raises(InputRefused) as caught:
        predictor.predict(models.SETOSA | {"petal_width": 0.0})
    assert [fault.field for fault in caught.value.faults] == ["petal_length", "petal_width"]
    assert "petal_ratio = petal_length / petal_width is not a finite number" in str(caught.value)


def test_a_field_that_only_a_derived_feature_needs_is_asked_for(tmp_path: Path, iris: xgboost.Booster) -> None:
    body = models.card(derived={"sepal_width": "width_in_mm / 10"}, example=None)
    schema = load(models.place(tmp_path, iris, body)).schema
    assert schema.fields == ("sepal_length", "petal_length", "petal_width", "petal_ratio", "width_in_mm")


def test_the_headers_tell_where_the_model_comes_from(tmp_path: Path, iris: xgboost.Booster) -> None:
    inputs = {"silver.b": {"table": "t", "version": 7}, "gold.a": {"table": "t", "version": 3}}
    predictor = load(models.place(tmp_path, iris, models.card(version=4, inputs=inputs)))
    assert predictor.headers == {
        "X-Model-Name": "iris_xgboost_classifier",
        "X-Model-Version": "4",
        "X-Model-Run": "run4",
        "X-Model-Inputs": "gold.a@3,silver.b@7",
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"flavor": "sklearn"}, "'sklearn'"),
        ({"features": ["one", "two"]}, "fitted on 5 features"),
        ({"features": [*reversed(models.FIELDS), "petal_ratio"]}, "takes its features as sepal_length"),
        ({"derived": {"petal_ratio": "open('x')"}}, "not allowed"),
        ({"derived": {"petal_ratio": "sepal_width / 2", "sepal_width": "petal_ratio * 2"}}, "derived itself"),
        ({"model_file": "absent.ubj"}, "cannot be loaded"),
        ({"model_file": "served.json"}, "cannot be loaded"),
        ({"version": "four"}, "'version'"),
        ({"features": []}, "'features'"),
        ({"run_id": "one\r\nX-Other: two"}, "no HTTP header can hold"),
        ({"example": models.SETOSA | {"petal_width": 0}}, "its own example"),
    ],
)
def test_a_model_that_cannot_be_served_says_why(
    tmp_path: Path, iris: xgboost.Booster, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(ModelBroken, match=reason):
        load(models.place(tmp_path, iris, models.card() | changes))


def test_a_model_with_many_numbers_per_row_is_not_taken_for_a_regressor(tmp_path: Path) -> None:
    booster = models.iris_booster("reg:squarederror", np.ones((150, 2)))
    with pytest.raises(ModelBroken, match="answers 2 numbers"):
        load(models.place(tmp_path, booster, models.card(objective="reg:squarederror")))


def test_a_broken_file_says_why(tmp_path: Path, iris: xgboost.Booster) -> None:
    folder = models.place(tmp_path, iris, models.card())
    (folder / "model.ubj").write_bytes((folder / "model.ubj").read_bytes()[:1000])
    with pytest.raises(ModelBroken, match="cannot be loaded"):
        load(folder)
    (folder / "served.json").write_text("{")
    with pytest.raises(ModelBroken, match=r"served\.json cannot be read"):
        load(folder)
