"""A canary and a shadow in one process, with models that really fail and really are slow."""

import asyncio
import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
import xgboost
from fastapi import FastAPI
from sklearn.datasets import load_iris

from api.app import create_app
from api.beside import Beside
from api.canary import Ended
from api.counted import CountAnswers
from api.log.record import Answered
from api.predictor import Predictor, load
from api.serving import Serving
from api.settings import ApiSettings
from observability.metrics import RequestMetrics
from observability.trial import Tallies
from tests.api import served_models as models
from tests.api.asked import Kept, ask, ask_all

AT = datetime(2026, 11, 1, tzinfo=UTC)


class Trial:
    """An application that serves two versions, and what it counts."""

    def __init__(self, first: Predictor, second: Predictor, **shares: float) -> None:
        self.serving, self.metrics, self.kept = Serving(**shares), RequestMetrics(), Kept()
        self.serving.predictor = first
        self.serving.take_canary(second)
        self.beside = Beside(self.serving, self.metrics.models.trial, slower=3.0)
        recorder = CountAnswers(self.metrics.models, self.kept, self.beside)
        self.app: FastAPI = create_app(ApiSettings(), self.serving, counted=self.metrics, recorder=recorder)

    def ask(self, path: str, rows: object) -> httpx.Response:
        return ask(self.app, "POST", path, json=rows)

    def told(self) -> dict[str, dict[str, object]]:
        found = ask(self.app, "GET", "/models").json()["trial"]
        assert isinstance(found, dict)
        return found

    @property
    def tallies(self) -> Tallies:
        return Tallies(self.metrics.collect())


@pytest.fixture(scope="module")
def versions(iris: xgboost.Booster, tmp_path_factory: pytest.TempPathFactory) -> list[Predictor]:
    """Version 1, the same again, one that fails at a virginica, and one that calls some flowers something else."""
    species = load_iris(return_X_y=True)[1]
    other = models.iris_booster(labels=np.where(np.arange(150) % 3 == 0, 2, species))
    boosters = (iris, iris, models.failing(iris), other)
    folder = tmp_path_factory.mktemp("versions")
    return [load(models.place(folder / str(n), each, models.card(n))) for n, each in enumerate(boosters, start=1)]


def answers(predictor: Predictor) -> np.ndarray:
    rows, _ = load_iris(return_X_y=True)
    return predictor.outputs(np.column_stack([rows, rows[:, 2] / rows[:, 3]]).astype(np.float32))


def flowers() -> list[dict[str, float]]:
    rows, _ = load_iris(return_X_y=True)
    return [dict(zip(models.FIELDS, row, strict=True)) for row in rows.tolist()]


def tensors(row: dict[str, float]) -> list[dict[str, object]]:
    return [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in row.items()]


def test_what_a_canary_fails_to_answer_production_answers_and_logs(versions: list[Predictor]) -> None:
    trial = Trial(versions[0], versions[2], share=1.0)
    virginica, setosa = models.VIRGINICA, models.SETOSA
    asked = {
        "/predict": virginica,
        "/predict/batch": [setosa, virginica],
        "/predict_proba": virginica,
        "/explain": virginica,
        "/invocations": {"dataframe_records": [virginica]},
        f"/v2/models/{versions[0].card.name}/infer": {"inputs": tensors(virginica)},
    }
    for path, body in asked.items():
        answer = trial.ask(path, body)
        assert (answer.status_code, answer.headers["x-model-version"]) == (200, "1"), path
    assert {(kept.version, kept.variant) for kept in trial.kept.answers} == {(1, "production")}
    answer = trial.ask("/predict", setosa)
    assert (answer.json(), answer.headers["x-model-version"]) == ({"prediction": 0}, "3")
    # What production refuses as well is no failure of the canary.
    assert trial.ask("/predict", {"sepal_length": "x"}).status_code == 422
    assert trial.tallies.canary(3) == (7, 6)


def test_requests_of_one_turn_that_another_model_answers_do_not_wait_for_ever(versions: list[Predictor]) -> None:
    broken = dataclasses.replace(versions[1], trees=(0, 10**6))  # XGBoost itself refuses so many
    trial = Trial(versions[0], broken, share=1.0)
    rows = [models.SETOSA, models.VIRGINICA] * 3
    sent = [
        ("POST", "/predict", {"json": row, "headers": {"x-model-variant": "production"} if place % 3 else {}})
        for place, row in enumerate(rows)
    ]

    async def all_of_them() -> list[httpx.Response]:
        async with asyncio.timeout(30):
            return await ask_all(trial.app, *sent)

    found = asyncio.run(all_of_them())
    assert [answer.json()["prediction"] for answer in found] == [0, 2] * 3
    assert trial.tallies.canary(2) == (2, 2)


def test_a_version_that_wants_other_fields_fails_and_one_that_names_it_is_told_so(
    iris: xgboost.Booster, versions: list[Predictor], tmp_path: Path
) -> None:
    derived = {"petal_ratio": "petal_length / leaf_width"}
    other = load(models.place(tmp_path, iris, models.card(7, derived=derived, example=None)))
    trial = Trial(versions[0], other, share=1.0)
    assert trial.ask("/predict", models.SETOSA).headers["x-model-version"] == "1"
    named = f"/v2/models/{other.card.name}/versions/7/infer"
    assert trial.ask(named, {"inputs": tensors(models.SETOSA)}).status_code == 422
    shadow = Trial(versions[0], other, shadow=1.0)
    assert shadow.ask("/predict/batch", [models.SETOSA] * 3).status_code == 200
    shadow.beside.compare()
    assert shadow.tallies.compared(7, "shadow").failed == 3


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_who_names_a_version_in_the_address_gets_its_answer_whatever_the_share(
    versions: list[Predictor], share: float
) -> None:
    trial = Trial(versions[0], versions[1], share=share)
    for version in ("1", "2"):
        named = f"/v2/models/{versions[0].card.name}/versions/{version}"
        assert trial.ask(f"{named}/infer", {"inputs": tensors(models.SETOSA)}).json()["model_version"] == version
        assert ask(trial.app, "GET", named).json()["versions"] == [version]
        assert ask(trial.app, "GET", f"/lineage/{versions[0].card.name}/{version}").json()["is_served"] is True
    assert [answered.version for answered in trial.kept.answers] == [1, 2]
    told = ask(trial.app, "GET", f"{named[:-1]}3").json()["detail"]
    assert "iris_xgboost_classifier/1, iris_xgboost_classifier/2" in told


def test_an_answer_that_is_refused_at_last_is_not_logged(versions: list[Predictor]) -> None:
    trial = Trial(versions[0], versions[1], share=1.0)
    sent = {"inputs": tensors(models.SETOSA), "outputs": [{"name": "no such output"}]}
    assert trial.ask(f"/v2/models/{versions[0].card.name}/infer", sent).status_code == 422
    assert (trial.kept.answers, trial.tallies.canary(2)) == ([], (0, 0))


def test_a_shadow_is_asked_all_that_production_answers_and_compared(versions: list[Predictor]) -> None:
    trial = Trial(versions[0], versions[3], shadow=1.0)
    answer = trial.ask("/predict/batch", flowers())
    assert answer.headers["x-model-version"] == "1"
    trial.beside.compare()
    one, other = (answers(versions[place]) for place in (0, 3))
    alike = float((one.argmax(axis=1) == other.argmax(axis=1)).mean())
    assert 0.3 < alike < 0.9
    found = trial.told()["compared"]["shadow"]
    assert isinstance(found, dict)
    assert (found["rows"], found["failed"], found["agreement"]) == (150, 0, pytest.approx(alike))
    assert found["distance"] == pytest.approx(np.abs(one - other).sum(axis=1).mean() / 2, rel=1e-3)
    assert 0 < found["seconds"] < 1
    assert {kept.version for kept in trial.kept.answers} == {1}
    assert trial.tallies.compared(4, "canary").rows == 0


def test_a_part_of_the_answers_is_compared_and_without_a_shadow_none(versions: list[Predictor]) -> None:
    for share, fewest, most in ((0.0, 0, 0), (0.5, 300, 450)):
        trial = Trial(versions[0], versions[1], shadow=share)
        for _ in range(5):
            trial.ask("/predict/batch", flowers())
        trial.beside.compare()
        found = trial.tallies.compared(2, "shadow")
        assert fewest <= found.rows <= most
        assert found.agreement in (None, 1.0)


def test_what_a_canary_answers_production_is_asked(versions: list[Predictor]) -> None:
    trial = Trial(versions[0], versions[3], share=1.0)
    trial.ask("/predict/batch", flowers())
    trial.beside.compare()
    assert trial.tallies.compared(4, "canary").rows == 150
    assert trial.tallies.compared(4, "shadow").rows == 0


def test_more_than_can_wait_is_skipped_and_counted(versions: list[Predictor]) -> None:
    trial = Trial(versions[0], versions[1], shadow=1.0)
    row = Answered(
        request_id="r",
        at=AT,
        model="iris_xgboost_classifier",
        version=1,
        variant="production",
        features=models.SETOSA,
        prediction=0,
        probabilities=[0.9, 0.1, 0.0],
        latency_seconds=0.001,
    )
    for _ in range(4100):
        trial.beside.take(row)
    trial.beside.compare()
    assert trial.tallies.compared(2, "shadow").rows == 4096
    assert 'lakeline_compared_skipped_total{variant="shadow"} 4.0' in trial.metrics.render().decode()


def test_values_are_alike_within_one_in_a_hundred(tmp_path: Path) -> None:
    booster = models.rent_booster()
    card = models.rent_card()
    other = booster.copy()
    other.set_param({"base_score": 60.0})
    first, second = (
        load(models.place(tmp_path / str(n), each, card | {"version": n})) for n, each in ((1, booster), (2, other))
    )
    trial = Trial(first, second, shadow=1.0)
    trial.ask("/predict", models.FLAT)
    trial.beside.compare()
    found = trial.tallies.compared(2, "shadow")
    one, other_value = first.predict(models.FLAT), second.predict(models.FLAT)
    distance = abs(one - other_value) / (abs(one) + abs(other_value))
    assert found.distance == pytest.approx(distance, rel=1e-3)
    assert found.agreement == float(distance <= 0.005)


def test_how_sure_the_model_was_is_counted(versions: list[Predictor]) -> None:
    trial = Trial(versions[0], versions[1])
    trial.ask("/predict", models.SETOSA)
    told = trial.metrics.render().decode()
    labels = 'model="iris_xgboost_classifier",variant="production",version="1"'
    assert f"lakeline_prediction_probability_count{{{labels}}} 1.0" in told
    assert f'lakeline_prediction_probability_bucket{{le="0.9",{labels}}} 0.0' in told


def test_many_rows_are_counted_at_once_as_they_would_be_one_by_one(versions: list[Predictor]) -> None:
    together, single = Trial(versions[0], versions[1]), Trial(versions[0], versions[1])
    rows = flowers()[::7]
    together.ask("/predict/batch", rows)
    for row in rows:
        single.ask("/predict", row)
    told = [
        [line for line in trial.metrics.render().decode().splitlines() if line.startswith("lakeline_predict")]
        for trial in (together, single)
    ]
    names = ("lakeline_predictions_created", "lakeline_predicted_classes_created", "lakeline_prediction_probability_")
    exact = [[line for line in lines if not line.startswith(names) or "_bucket" in line] for lines in told]
    assert sorted(exact[0]) == sorted(exact[1])
    assert len(exact[0]) == 1 + 3 + 13
    assert len(together.kept.answers) == len(single.kept.answers) == len(rows)


def test_a_version_that_has_ended_gets_no_share_and_says_why(versions: list[Predictor]) -> None:
    trial = Trial(versions[0], versions[3], share=1.0)
    end = Ended(target=versions[3].card.target, why="it failed", at=AT)
    trial.serving.obey(trial.serving.ruling.model_copy(update={"ended": (end,)}))
    assert trial.ask("/predict", models.SETOSA).headers["x-model-version"] == "1"
    told = {"why": "it failed", "since": "2026-11-01T00:00:00.000Z"}
    assert ask(trial.app, "GET", "/readyz").json()["canary"] == {"share": 0.0, "version": 4, "ended": told}
    assert trial.told()["ended"] == {"why": "it failed", "at": "2026-11-01T00:00:00Z"}
    forced = ask(trial.app, "POST", "/predict", json=models.SETOSA, headers={"x-model-variant": "canary"})
    assert forced.headers["x-model-version"] == "4"  # a tester may still look
    trial.serving.take_canary(versions[1])
    assert trial.ask("/predict", models.SETOSA).headers["x-model-version"] == "2"
    trial.serving.take_canary(versions[3])
    assert trial.serving.share == 0.0


@pytest.mark.slow
def test_a_slow_version_is_measured_as_slow_and_an_equal_one_is_not(
    iris: xgboost.Booster, versions: list[Predictor], tmp_path: Path
) -> None:
    slow = load(models.place(tmp_path, models.slow(iris), models.card(9)))
    for second, is_slow in ((versions[1], False), (slow, True)):
        trial = Trial(versions[0], second, share=1.0)
        for _ in range(10):
            trial.ask("/predict", models.SETOSA)
            trial.beside.compare()
        found = trial.tallies.compared(second.card.version, "canary")
        assert found.timed > 0
        assert (found.slower > found.timed / 2) is is_slow
