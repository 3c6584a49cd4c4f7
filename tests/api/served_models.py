"""Small real models in folders, as `registry.fetch` leaves them."""

import hashlib
import json
from pathlib import Path

import numpy as np
import xgboost
from sklearn.datasets import load_iris

FIELDS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
DERIVED = {"petal_ratio": "petal_length / petal_width"}
SETOSA = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
VIRGINICA = {"sepal_length": 6.3, "sepal_width": 3.3, "petal_length": 6.0, "petal_width": 2.5}


def card(version: int = 1, **changes: object) -> dict[str, object]:
    """What `served.json` says of the iris model."""
    body: dict[str, object] = {
        "name": "iris_xgboost_classifier",
        "version": version,
        "run_id": f"run{version}",
        "flavor": "xgboost",
        "model_file": "model.ubj",
        "features": [*FIELDS, *DERIVED],
        "derived": DERIVED,
        "inputs": {"gold.iris_features": {"table": "t-1", "version": version + 2}},
        "objective": "multi:softprob",
        "classes": ["setosa", "versicolor", "virginica"],
        "example": SETOSA | {"petal_ratio": 7.0},
    }
    return body | changes


def iris_booster(objective: str = "multi:softprob", labels: np.ndarray | None = None) -> xgboost.Booster:
    """A model fitted on the iris rows with the ratio beside them."""
    rows, species = load_iris(return_X_y=True)
    features = np.column_stack([rows, rows[:, 2] / rows[:, 3]])
    parameters = {"objective": objective, "max_depth": 3, "nthread": 1, "seed": 7}
    if objective.startswith("multi:"):
        parameters["num_class"] = 3
    data = xgboost.DMatrix(features, species if labels is None else labels, feature_names=[*FIELDS, *DERIVED])
    return xgboost.train(parameters, data, num_boost_round=20)


def place(folder: Path, booster: xgboost.Booster, body: dict[str, object]) -> Path:
    """Puts a model and its card into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(folder / "model.ubj")
    files = {"model.ubj": hashlib.sha256((folder / "model.ubj").read_bytes()).hexdigest()}
    (folder / "served.json").write_text(json.dumps({"files": files} | body))
    return folder


RENT = ("area", "town", "floor", "is_new")
TOWNS = ("Bonn", "Koeln", "Mainz")
FLAT = {"area": 50.0, "town": "Koeln", "floor": 2, "is_new": False}


def rent_card(**changes: object) -> dict[str, object]:
    """What `served.json` says of a regressor with a category, and a column that may be empty."""
    fields = [
        {"name": "area", "type": "double", "required": True},
        {"name": "town", "type": "string", "required": True, "categories": TOWNS},
        {"name": "floor", "type": "long", "required": False},
        {"name": "is_new", "type": "boolean", "required": True},
    ]
    changed = {"name": "rent", "features": RENT, "derived": {}, "objective": "reg:squarederror", "fields": fields}
    return card(**changed, classes=[], example=FLAT, **changes)


def rent_booster() -> xgboost.Booster:
    """A model of rents, fitted on the numbers of the towns."""
    numbers = np.random.default_rng(7)
    rows = np.column_stack(
        [numbers.uniform(20, 120, 90), numbers.integers(0, 3, 90), numbers.integers(0, 6, 90), np.arange(90) % 2]
    )
    rows[::9, 2] = np.nan
    data = xgboost.DMatrix(
        rows,
        rows[:, 0] * (9 + 4 * (rows[:, 1] == 1)),
        feature_names=list(RENT),
        feature_types=["float", "c", "int", "i"],
        enable_categorical=True,
    )
    return xgboost.train({"objective": "reg:squarederror", "max_depth": 3, "nthread": 1}, data, num_boost_round=20)


def failing(booster: xgboost.Booster) -> xgboost.Booster:
    """The iris model with leaves that add up to infinity: it has an answer for its example, and none for a virginica."""
    told = json.loads(bytes(booster.save_raw("json")))
    for tree in told["learner"]["gradient_booster"]["model"]["trees"][2::3]:
        leaves = [place for place, child in enumerate(tree["left_children"]) if child == -1]
        highest = max(leaves, key=lambda place: tree["split_conditions"][place])
        tree["split_conditions"][highest] = 3e38
    return xgboost.Booster(model_file=bytearray(json.dumps(told).encode()))


def slow(booster: xgboost.Booster, times: int = 300) -> xgboost.Booster:
    """The iris model with each of its trees so many times."""
    told = json.loads(bytes(booster.save_raw("json")))
    model = told["learner"]["gradient_booster"]["model"]
    trees, counted = model["trees"], len(model["trees"]) * times
    model["tree_info"] *= times
    model["gbtree_model_param"]["num_trees"] = str(counted)
    model["iteration_indptr"] = list(range(0, counted + 1, 3))
    model["trees"] = ["TREES"]
    # Each tree is written once: writing thousands would take longer than the test.
    texts = [json.dumps(tree | {"id": "NUMBER"}) for tree in trees]
    written = ",".join(
        text.replace('"NUMBER"', str(at * len(texts) + n)) for at in range(times) for n, text in enumerate(texts)
    )
    return xgboost.Booster(model_file=bytearray(json.dumps(told).replace('"TREES"', written).encode()))
