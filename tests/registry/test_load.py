import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from api.errors import ModelBroken
from api.predictor import load
from registry.errors import (
    FeaturesMissing,
    ModelRefused,
    ModelUnreadable,
    ModelUnsupported,
    NoProbabilities,
    UnknownVersion,
)
from registry.fetch import fetch_model
from registry.model import TrainedModel
from registry.models import Models
from registry.settings import RegistrySettings
from tests.registry import kept
from tests.registry.kept import FEATURES, NAME, flowers, stamp, trained

pytestmark = pytest.mark.slow


def frame() -> object:
    return flowers().select(list(FEATURES)).to_pandas()


def species() -> np.ndarray:
    return np.asarray(flowers()["species"].to_numpy())


def booster(objective: str, **more: object) -> xgboost.Booster:
    labels = species() if objective.startswith("multi:") else (species() == 0).astype(int)
    parameters = {"objective": objective, "nthread": 1, "max_depth": 2, **more}
    return xgboost.train(parameters, xgboost.DMatrix(frame(), labels), num_boost_round=5)


def keep(models: Models, model: object, name: str = NAME) -> None:
    models.save(name, lambda: trained(model=model), stamp(), kept.datasets())


def test_an_xgboost_classifier_predicts_as_it_did_before_it_was_kept(models: Models) -> None:
    fitted = trained()
    models.save(NAME, lambda: fitted, stamp(), kept.datasets())
    loaded = models.load(NAME, 1)
    shuffled = flowers().select(["species", *FEATURES[::-1]])
    assert (loaded.name, loaded.version, loaded.features, loaded.derived) == (NAME, 1, FEATURES, kept.DERIVED)
    assert loaded.classes == ("setosa", "versicolor", "virginica")
    assert np.array_equal(loaded.predict(shuffled), fitted.model.predict(frame()))  # type: ignore[attr-defined]
    assert np.array_equal(loaded.probabilities(shuffled), fitted.model.predict_proba(frame()))  # type: ignore[attr-defined]
    with pytest.raises(FeaturesMissing, match="takes petal_ratio, and the rows have only sepal_length"):
        loaded.predict(flowers().drop_columns(["petal_ratio"]))


@pytest.mark.parametrize("objective", ["multi:softprob", "binary:logistic", "reg:squarederror"])
def test_a_booster_tells_labels_or_values(objective: str, models: Models) -> None:
    given = booster(objective, **({"num_class": 3} if objective.startswith("multi:") else {}))
    keep(models, given)
    loaded = models.load(NAME, 1)
    told = loaded.predict(flowers())
    if objective == "reg:squarederror":
        assert np.allclose(told, given.predict(xgboost.DMatrix(frame())))
        with pytest.raises(NoProbabilities):
            loaded.probabilities(flowers())
        return
    probabilities = loaded.probabilities(flowers())
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(told, probabilities.argmax(axis=1))


def test_scikit_learn_comes_back_whole(models: Models) -> None:
    scaled = Pipeline(
        [
            ("scale", ColumnTransformer([("all", StandardScaler(), list(FEATURES))])),
            ("forest", RandomForestClassifier(n_estimators=5, random_state=7)),
        ]
    ).fit(frame(), flowers()["species"].to_pandas().map(["setosa", "versicolor", "virginica"].__getitem__))
    keep(models, scaled)
    loaded = models.load(NAME, 1)
    assert np.array_equal(loaded.predict(flowers()), scaled.predict(frame()))
    assert np.array_equal(loaded.probabilities(flowers()), scaled.predict_proba(frame()))
    keep(models, LinearRegression().fit(frame(), species()), "line")
    with pytest.raises(NoProbabilities, match="LinearRegression, which tells no probabilities"):
        models.load("line", 1).probabilities(flowers())
    with pytest.raises(ModelUnsupported, match="'line' is of the kind 'sklearn'; wanted xgboost"):
        fetch_model(models.settings, "line", 1, models.settings.home / "fetched")


def test_what_is_not_there_is_named(models: Models) -> None:
    with pytest.raises(UnknownVersion, match="no version 1 in MLflow at 'sqlite:.*there are no versions yet"):
        models.load("iris", 1)
    kept.save(models)
    with pytest.raises(UnknownVersion, match="known versions: 1"):
        models.load(NAME, 2)
    (file,) = models.settings.artifacts.rglob("model.ubj")
    file.unlink()
    with pytest.raises(ModelUnreadable, match="has no file 'model.ubj'"):
        fetch_model(models.settings, NAME, 1, models.settings.home / "fetched")
    file.write_bytes(b"{broken")
    with pytest.raises(ModelUnreadable, match="version 1 of the model"):
        models.load(NAME, 1)
    (file.parent / "MLmodel").unlink()
    with pytest.raises(ModelUnreadable):
        models.load(NAME, 1)


def test_a_model_with_texts_and_gaps_is_served_as_it_was_trained(models: Models, tmp_path: Path) -> None:
    made = rents()
    models.save("rent", lambda: made, stamp(), (replace(kept.datasets()[0], rows=rent_rows()),))
    fetch_model(models.settings, "rent", 1, tmp_path)
    predictor = load(tmp_path)
    assert predictor.note is None
    assert [(column.name, column.type, column.required, column.categories) for column in predictor.schema.columns] == [
        ("area", "double", True, ()),
        ("town", "string", True, ("Bonn", "Koeln", "Mainz")),
        ("floor", "long", False, ()),
        ("is_new", "boolean", True, ()),
    ]
    rows = rent_rows().select(made.features).to_pylist()[:20]
    told = models.load("rent", 1).predict(rent_rows().slice(0, 20))
    here = predictor.predictions(predictor.outputs(predictor.encoding.rows(predictor.schema.check_rows(rows))))
    assert np.allclose(here, told)
    card = json.loads((tmp_path / "served.json").read_text())
    card["golden"]["outputs"][2][0] += 5
    (tmp_path / "served.json").write_text(json.dumps(card))
    with pytest.raises(ModelBroken, match=r"golden row 2 gives .*, and gave .* at training: off by 5"):
        load(tmp_path)


def test_categories_that_xgboost_would_garble_are_refused(models: Models) -> None:
    made = rents()
    frame = pd.DataFrame({"town": pd.Categorical(["Bonn", "Köln", "Mainz"] * 5)})
    model = xgboost.XGBRegressor(n_estimators=1, enable_categorical=True).fit(frame, np.arange(15))
    wrong = replace(made, model=model, features=("town",), example=pa.table({"town": ["Bonn"]}))
    with pytest.raises(ModelRefused, match="categories beyond ASCII cut at the wrong places, as 'Köl'"):
        models.save("towns", lambda: wrong, stamp(), kept.datasets())


def rent_rows() -> pa.Table:
    """Flats in three towns, of which some have no floor."""
    numbers = np.random.default_rng(7)
    towns = numbers.choice(["Koeln", "Bonn", "Mainz"], 60).tolist()
    floors = [None if number % 9 == 5 else number % 6 for number in range(60)]
    area = numbers.uniform(20, 120, 60)
    rent = [size * (9 + (town == "Koeln") * 4) for size, town in zip(area, towns, strict=True)]
    return pa.table({"area": area, "town": towns, "floor": floors, "is_new": area > 70, "rent": rent})


def rents() -> TrainedModel:
    """A regressor that knows the towns as categories."""
    features = ("area", "town", "floor", "is_new")
    frame = rent_rows().select(features).to_pandas().astype({"town": "category"})
    model = xgboost.XGBRegressor(n_estimators=20, max_depth=3, n_jobs=1, enable_categorical=True)
    model.fit(frame, rent_rows()["rent"].to_numpy())
    example = rent_rows().select(features).slice(0, 4)
    return TrainedModel(model=model, features=features, metrics={"rmse": 1.0}, example=example)


@pytest.mark.parametrize("where", ["settings", "server_settings"])
def test_a_fetched_model_is_what_a_server_needs(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    settings: RegistrySettings = request.getfixturevalue(where)
    name = f"fetched_{where}"
    fitted = trained()
    made = Models(settings, kept.lake_in(tmp_path / "lake")).save(name, lambda: fitted, stamp(), kept.datasets())
    folder = tmp_path / "serving" / "1"
    environment = {**os.environ, "LAKELINE_HOME": str(settings.home), "MLFLOW_TRACKING_URI": settings.tracking_uri}
    command = [sys.executable, "-m", "registry.fetch", name]
    done = subprocess.run([*command, "1", str(folder)], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in folder.iterdir()) == ["model.ubj", "served.json"]
    card = json.loads((folder / "served.json").read_text())
    expected = {
        "name": name,
        "version": 1,
        "run_id": made.run_id,
        "flavor": "xgboost",
        "model_file": "model.ubj",
        "features": list(FEATURES),
        "derived": kept.DERIVED,
        "inputs": {"gold.iris_features": {"table": "t-1", "version": 3}},
        "classes": ["setosa", "versicolor", "virginica"],
    }
    golden = card.pop("golden")
    assert golden["rows"] == flowers().select(list(FEATURES)).slice(0, 3).to_pylist()
    assert np.allclose(golden["outputs"], fitted.model.predict_proba(frame())[:3])  # type: ignore[attr-defined]
    assert card.pop("fields") == [{"name": name, "type": "double", "required": True} for name in FEATURES]
    assert card.pop("trained") == {"asset": f"models.{NAME}", "code": "c0de", "run": "r1"}
    assert card.pop("files") == {"model.ubj": hashlib.sha256((folder / "model.ubj").read_bytes()).hexdigest()}
    assert card.pop("example") == flowers().select(list(FEATURES)).to_pylist()[0]
    assert card == expected
    alone = xgboost.Booster(model_file=str(folder / "model.ubj"))
    told = alone.inplace_predict(flowers().select(list(FEATURES)).to_pandas().to_numpy())
    assert np.allclose(told, fitted.model.predict_proba(frame()))  # type: ignore[attr-defined]
    for wrong in (["7", str(folder)], ["seven", str(folder)]):
        refused = subprocess.run([*command, *wrong], env=environment, capture_output=True, text=True, check=False)
        assert refused.returncode in {1, 2}
        assert refused.stderr.count("\n") == 1
        assert "Traceback" not in refused.stderr
    assert not (folder / "served.json").exists()
