"""MLflow that dies in the middle of a run, or answers 500: the tables stand, the model failed, and the next run heals it."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.bad_mlflow import Server, answering
from tests.crash.killing import Ended, finished, lakeline
from tests.crash.ledger import MODEL, Ledger, count
from tests.journey.workplace import Workplace

pytestmark = pytest.mark.slow

IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
"""MLflow's client asks once more, and not three times."""


@pytest.fixture
def server(tmp_path: Path, empty_store: Path) -> Iterator[Server]:
    """A server of the test's own."""
    home = tmp_path / "server"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    made = Server(home)
    made.start()
    yield made
    made.kill()


@pytest.mark.parametrize("table", [pytest.param("runs", marks=pytest.mark.long), "model_versions"])
def test_a_run_whose_mlflow_was_killed_keeps_its_tables_and_the_next_one_heals_the_model(
    workplace: Callable[..., Workplace], server: Server, table: str
) -> None:
    ledger = Ledger(place=workplace(MLFLOW_TRACKING_URI=server.address, **IMPATIENT))
    ledger.land()
    ended = lakeline(ledger.place, "run", "--json").do_when(_grows(server.database, table), server.kill)
    assert_only_the_model_failed(ended)
    ledger.examine_tables()
    assert count(server.database, "registered_model_aliases") == 0
    server.start()
    finished(ledger.place, "run")
    assert candidates(ledger.place) == [1]
    finished(ledger.place, "doctor")
    assert count(server.database, "registered_model_tags") == 0
    assert count(server.database, "runs", "status = 'RUNNING'") == 0


@pytest.mark.long
def test_an_mlflow_that_answers_500_is_told_in_a_line_and_the_tables_stand(
    workplace: Callable[..., Workplace], server: Server
) -> None:
    place = workplace(**IMPATIENT)
    ledger = Ledger(place=place)
    ledger.land()
    with answering(lambda path: False) as address:
        at_first = replace(place, settings={**place.settings, "MLFLOW_TRACKING_URI": address})
        ended = lakeline(at_first, "run", "--json").wait()
        assert_only_the_model_failed(ended, "HTTP 500")
        ledger.examine_tables()

    broken = {"model-versions/create"}
    with answering(lambda path: not any(word in path for word in broken), behind=server.port) as address:
        later = replace(place, settings={**place.settings, "MLFLOW_TRACKING_URI": address})
        assert_only_the_model_failed(lakeline(later, "run", "--json").wait(), "500")
        assert count(server.database, "registered_model_aliases") == 0
        broken.clear()
        finished(later, "run")
        assert count(server.database, "runs") == 1, "what was trained already is not trained again"
        assert candidates(later) == [1]

        broken.add("registered-models/alias")
        refused = lakeline(later, "promote", MODEL, "--to", "staging", "--yes").wait()
        assert refused.code == 1 and "500" in refused.err and "Traceback" not in refused.err, refused
        broken.clear()
        finished(later, "models")
        assert count(server.database, "registered_model_aliases", "alias = 'staging'") == 1, "it was journaled"
        finished(later, "doctor")


def assert_only_the_model_failed(ended: Ended, *words: str) -> None:
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err, ended
    outcomes = {each["key"]: each for each in json.loads(ended.out)["outcomes"]}
    assert {key: each["action"] for key, each in outcomes.items() if key.split(".")[0] in {"bronze", "silver"}} in (
        {"bronze.received": "made", "silver.orders": "made"},
        {"bronze.received": "fresh", "silver.orders": "fresh"},
    )
    assert outcomes["models.sizes"]["action"] == "failed"
    assert outcomes["gold.predictions"]["action"] in {"skipped", "blocked"}
    said = outcomes["models.sizes"]["error"]
    assert said.startswith("MLflow at 'http://127.0.0.1:"), said
    assert "\n" not in said, said
    assert all(word in said for word in words), said


def candidates(place: Workplace) -> list[int]:
    """The versions that are candidates, as `lakeline models` tells."""
    listed = place.json("models", MODEL)
    assert isinstance(listed, list)
    return [each["version"] for each in listed if "candidate" in each["aliases"]]


def _grows(database: Path, table: str) -> Callable[[], bool]:
    before = count(database, table)

    def seen() -> bool:
        time.sleep(0.002)
        return count(database, table) > before

    return seen
