"""When the iris line is made, and by whom it is reviewed: the jobs that Airflow runs as DAGs."""

from assets import Approve, Check, Cron, Materialize, OnUpdate, Predictions, Tend, WaitFor, job

LINE = {"line": "iris"}

data = job(
    "iris_data_dag",
    steps=[Materialize("bronze.iris_raw+ and +gold.iris_features")],
    schedule=[Cron.at("0 6 * * *"), OnUpdate.any("landing.iris")],
    description="Measured flowers, from the landing folder to the features that the classifier learns from.",
    tags=LINE,
)

training = job(
    "ml_training_dag",
    steps=[
        Materialize("+gold.iris_features", by="step", name="run_data_pipeline", owns=False),
        Materialize("models.iris_xgboost_classifier", by="step", name="run_training_pipeline"),
    ],
    schedule=OnUpdate.any("gold.iris_features"),
    description="Trains the classifier once its features are new.",
    tags=LINE,
)

promotion = job(
    "ml_promotion_dag",
    steps=[
        Approve("models.iris_xgboost_classifier", "staging"),
        Approve(
            "models.iris_xgboost_classifier",
            "production",
            shown=Predictions(table="gold.iris_predictions", of="predicted", by="measurement_id"),
        ),
    ],
    schedule=OnUpdate.any("models.iris_xgboost_classifier"),
    description="Lets a person review a new version of the classifier, and what it predicts, before it serves.",
    tags=LINE,
)

inference = job(
    "ml_inference_dag",
    steps=[
        WaitFor("models.iris_xgboost_classifier", "staging", name="wait_for_model_in_staging"),
        Materialize("gold.iris_predictions", by="step", name="run_inference_pipeline"),
    ],
    schedule=OnUpdate.any("models.iris_xgboost_classifier@staging"),
    description="Predicts with the version of the classifier that was reviewed.",
    tags=LINE,
)

monitoring = job(
    "model_monitoring_dag",
    steps=[Check("gold.iris_features", "models.iris_xgboost_classifier", name="check_drift")],
    schedule=Cron.at("*/15 * * * *"),
    description="Compares the newest features with those that the serving classifier was trained on.",
    tags=LINE,
)

upkeep = job(
    "prediction_log_dag",
    steps=[Tend("ops.prediction_log", name="tend_prediction_log")],
    schedule=Cron.at("30 3 * * *"),
    description="Keeps the log of predictions small: many commits of few rows become few files.",
    tags=LINE,
)
