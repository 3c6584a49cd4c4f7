"""Iris, from landed files to predictions: what a team would write for its own tables and models."""

from typing import TYPE_CHECKING

from assets import Trained, asset, external, matches, model, rows, unique

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from assets.trained import Predictor

MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
RATIOS = {"sepal_ratio": "sepal_length / sepal_width", "petal_ratio": "petal_length / petal_width"}
SPECIES = ("setosa", "versicolor", "virginica")

landing = external(
    "landing.iris",
    files="iris/*.csv",
    columns=("measurement_id", *MEASURES, "species"),
    description="Measured flowers, as the field teams send them: lengths and widths in centimetres.",
)


@asset("bronze.iris_raw", inputs={"arrivals": "landing.iris"}, write="append", tags={"line": "iris"})
def iris_raw(arrivals: "DataFrame") -> "DataFrame":
    """One row per line of a landed file, as it was written, with the file it came from."""
    return arrivals


@asset(
    "silver.iris_clean",
    inputs={"raw": "bronze.iris_raw"},
    checks=[
        *(rows(f"{measure} > 0 AND {measure} < 30", otherwise="quarantine") for measure in MEASURES),
        rows(f"species IN {SPECIES}", otherwise="quarantine"),
        rows("length(measurement_id) > 0", otherwise="quarantine"),
        rows("petal_length < sepal_length", otherwise="warn"),
        unique("measurement_id", otherwise="fail"),
    ],
    tags={"line": "iris"},
)
def iris_clean(raw: "DataFrame") -> "DataFrame":
    """One row per measured flower: typed, and of a flower that was sent twice, what was sent last."""
    newest = "PARTITION BY trim(measurement_id) ORDER BY taken_at DESC, source_file DESC, source_row DESC"
    return (
        raw.selectExpr(
            "trim(measurement_id) AS measurement_id",
            *(f"try_cast({measure} AS DOUBLE) AS {measure}" for measure in MEASURES),
            "lower(trim(species)) AS species",
            "source_file",
            "source_row",
            f"row_number() OVER ({newest}) AS place",
        )
        .filter("place = 1")
        .drop("place")
    )


@asset(
    "gold.iris_features",
    inputs={"clean": "silver.iris_clean"},
    checks=[
        matches(dict.fromkeys((*MEASURES, *RATIOS), "double")),
        rows("petal_length > 0", otherwise="quarantine"),
        unique("measurement_id", otherwise="fail"),
    ],
    tags={"line": "iris"},
)
def iris_features(clean: "DataFrame") -> "DataFrame":
    """One row per measured flower, with the ratios the classifier learns from."""
    ratios = (f"{expression} AS {name}" for name, expression in RATIOS.items())
    return clean.selectExpr("measurement_id", *MEASURES, "species", *ratios)


@model(
    "models.iris_xgboost_classifier",
    inputs={"features": "gold.iris_features"},
    metric="log_loss",
    higher_is_better=False,
    tags={"line": "iris"},
)
def iris_xgboost_classifier(features: "pa.Table") -> Trained:
    """The species of a flower from its measurements; one in five is kept from training, by the hash of its identity."""
    import zlib

    import numpy as np
    from sklearn.metrics import accuracy_score, f1_score, log_loss
    from xgboost import XGBClassifier

    flowers = features.sort_by("measurement_id").to_pandas()
    columns = [*MEASURES, *RATIOS]
    labels = flowers["species"].map(SPECIES.index)
    held_out = np.array([zlib.crc32(name.encode()) % 5 == 0 for name in flowers["measurement_id"]])
    parameters: dict[str, object] = {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.2, "random_state": 7}
    classifier = XGBClassifier(**parameters, objective="multi:softprob", tree_method="hist", n_jobs=1)
    classifier.fit(flowers.loc[~held_out, columns], labels[~held_out])
    truth, told = labels[held_out], classifier.predict_proba(flowers.loc[held_out, columns])
    metrics = {
        "accuracy": float(accuracy_score(truth, told.argmax(axis=1))),
        "f1_macro": float(f1_score(truth, told.argmax(axis=1), average="macro")),
        "log_loss": float(log_loss(truth, told, labels=range(len(SPECIES)))),
        "training_rows": float((~held_out).sum()),
        "test_rows": float(held_out.sum()),
    }
    return Trained(
        model=classifier,
        features=tuple(columns),
        derived=RATIOS,
        metrics=metrics,
        parameters=parameters,
        example=features.select(columns).slice(0, 5),
        classes=SPECIES,
    )


@asset(
    "gold.iris_predictions",
    inputs={"features": "gold.iris_features", "classifier": "models.iris_xgboost_classifier@staging"},
    checks=[unique("measurement_id"), rows("probability > 0.5", otherwise="warn")],
    engine="duckdb",
    tags={"line": "iris"},
)
def iris_predictions(features: "duckdb.DuckDBPyRelation", classifier: "Predictor") -> "pa.Table":
    """One row per measured flower: the species that the reviewed model sees in it, and how sure it is."""
    import pyarrow as pa

    flowers = features.to_arrow_table().sort_by("measurement_id")
    probabilities = classifier.probabilities(flowers)
    best = probabilities.argmax(axis=1)
    return pa.table(
        {
            "measurement_id": flowers["measurement_id"],
            "species": flowers["species"],
            "predicted": [SPECIES[place] for place in best],
            "probability": probabilities.max(axis=1),
        }
    )
