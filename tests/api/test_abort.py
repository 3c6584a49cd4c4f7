"""A server whose canary fails: no request does, all workers let go of it, and the journal hears why."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import xgboost

from tests.api import served_models as models
from tests.api.running import Running, running
from tests.api.test_workers import anew, metric, ready, until, workers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(store: Path, iris: xgboost.Booster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = Path(shutil.copytree(store, tmp_path_factory.mktemp("abort") / "models"))
    models.place(own / "4", models.failing(iris), models.card(4))
    models.place(own / "5", models.slow(iris), models.card(5))
    (own / "production").write_text("1")
    (own / "staging").write_text("4")
    return own


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Running]:
    with running(folder.parent / "home", folder, workers=2, share="50%", LAKELINE_SERVE_SHADOW="on") as found:
        found.wait(lambda told: told["ready"] is True)
        until(lambda: metric(found, "lakeline_workers") == 2 and canary(found, 6) == {(4, 0.5)})
        yield found


def canary(server: Running, times: int) -> set[tuple[object, object]]:
    """What workers say of the canary: its version, and its share."""
    told = [each["canary"] for each in ready(server, times)]
    return {(each["version"], each["share"]) for each in told if isinstance(each, dict)}


def compared(server: Running) -> float:
    found = anew(server, "GET", "/models").json()["trial"]["compared"]
    assert {found[variant]["agreement"] for variant in found} <= {None, 1.0}
    return float(sum(found[variant]["rows"] for variant in found))


def untold(folder: Path) -> list[Path]:
    return list((folder.parent / "home" / "serving" / "iris_xgboost_classifier" / "untold").glob("*"))


def test_a_canary_that_fails_loses_its_share_in_all_workers_and_no_request_fails(server: Running, folder: Path) -> None:
    ended = 'lakeline_canary_ended{model="iris_xgboost_classifier",version="4"}'
    answers = []
    while metric(server, ended) == 0:
        answers += [server.predict(models.VIRGINICA) for _ in range(10)]
        assert len(answers) < 3000
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-model-version"] for answer in answers} == {"1"}
    until(lambda: canary(server, 8) == {(4, 0.0)})
    assert metric(server, "lakeline_canary_share") == 0
    failures = metric(server, "lakeline_canary_failures_total")
    assert failures >= 3
    trial = anew(server, "GET", "/models").json()["trial"]
    assert (trial["share"], trial["failures"]) == (0, failures)
    assert "production answered them; the limit is 2% of at least 100" in trial["ended"]["why"]
    # The journal was away; the end waits for it.
    until(lambda: len(untold(folder)) == 1)
    (folder / "journal").touch()
    workers(server)[0].send_signal(signal.SIGKILL)
    until(lambda: metric(server, "lakeline_workers") == 2)
    assert canary(server, 8) == {(4, 0.0)}
    assert metric(server, "lakeline_canary_failures_total") == failures
    assert metric(server, "lakeline_prediction_probability_count") >= len(answers)
    until(lambda: untold(folder) == [])
    (line,) = (folder / "journal").read_text().splitlines()
    assert line.startswith("4 ")
    assert "requests failed" in line


def test_the_next_version_is_a_canary_again_and_a_slow_one_is_no_longer(server: Running, folder: Path) -> None:
    server.name(2, "staging")
    until(lambda: canary(server, 4) == {(2, 0.5)})
    # What each worker compared beside its requests, any of them tells for all.
    assert {anew(server, "POST", "/predict").status_code for _ in range(20)} == {200}
    until(lambda: compared(server) == 20)
    server.name(5, "staging")
    ended = 'lakeline_canary_ended{model="iris_xgboost_classifier",version="5"}'
    until(lambda: canary(server, 4) == {(5, 0.5)} or metric(server, ended) == 1)
    asked = 0
    while metric(server, ended) == 0:
        assert {server.predict().status_code for _ in range(40)} == {200}
        asked += 40
        assert asked < 20_000
    until(lambda: canary(server, 8) == {(5, 0.0)})
    told = anew(server, "GET", "/models").json()["trial"]["ended"]["why"]
    assert "it took more than 3 times as long as production" in told
    assert metric(server, "lakeline_canary_ended") == 1
    until(lambda: "5 in " in (folder / "journal").read_text())
