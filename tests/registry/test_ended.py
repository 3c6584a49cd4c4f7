from datetime import UTC, datetime

from lakehouse.lake import Lake
from registry.comparison import registration
from registry.ended import journal_end
from registry.journal import Journal
from registry.model import ModelVersion
from registry.models import Models
from registry.settings import RegistrySettings

NAME = "iris_xgboost_classifier"
AT = datetime(2026, 11, 1, tzinfo=UTC)


def test_the_end_of_a_canary_is_journaled_once_without_mlflow_and_moves_nothing(lake: Lake) -> None:
    version = ModelVersion(
        name=NAME,
        version=2,
        model_id="m-1",
        run_id="run2",
        stamp=None,
        metrics={"accuracy": 0.9},
        features=(),
        source="",
        at=AT,
    )
    Journal(lake).record(lambda told: registration(version, None, at=AT, by="run r1", why="newest trained"))
    why = "as the canary of staging: 3 of 40 requests failed"
    made = [journal_end(lake, NAME, 2, run_id="run2", at=AT, why=why) for _ in range(2)]
    assert [event is None for event in made] == [False, True]
    nowhere = RegistrySettings(mlflow_tracking_uri="http://127.0.0.1:9")
    told = Models(nowhere, lake).events(NAME)
    assert [(event.event, event.version, event.by) for event in told] == [
        ("registered", 2, "run r1"),
        ("ended", 2, "lakeline serve"),
    ]
    assert (told[1].why, told[1].model_id, told[1].metrics) == (why, "m-1", {"accuracy": 0.9})
    assert Models(nowhere, lake).alias(NAME, "candidate") == told[0].model_version
    assert len(Models(nowhere, lake).versions(NAME)) == 1
