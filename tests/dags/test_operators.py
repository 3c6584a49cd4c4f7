"""Tasks of generated DAGs, as Airflow calls them."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.triggers.base import TriggerEvent

from dags.bridge.operators import MaterializeOperator, WaitForAlias
from dags.bridge.wait import AliasTrigger
from lakehouse.lake import Lake
from registry.models import Models
from tests.assets.authored import line_of_tree, made_by, numbers

HOUR = timedelta(hours=1)


def waiting() -> WaitForAlias:
    return WaitForAlias(task_id="wait", model="models.tree", alias="staging", poll=timedelta(seconds=30), deadline=HOUR)


def waited() -> dict[str, object]:
    """What a wait comes to whose time is over before it begins."""
    over = (datetime.now(UTC) - HOUR).isoformat()
    trigger = AliasTrigger(model="models.tree", alias="staging", poll_seconds=30.0, deadline=over)

    async def first() -> TriggerEvent:
        return await anext(trigger.run())

    return dict(asyncio.run(first()).payload)


def test_a_wait_counts_from_its_own_start_however_long_its_run_took_before() -> None:
    context = {"dag_run": SimpleNamespace(start_date=datetime.now(UTC) - 2 * HOUR)}
    with pytest.raises(TaskDeferred) as deferred:
        waiting().execute(context)  # type: ignore[arg-type]
    deadline = deferred.value.trigger.deadline  # type: ignore[union-attr]
    assert timedelta() <= datetime.now(UTC) + HOUR - datetime.fromisoformat(deadline) < timedelta(minutes=1)


@pytest.mark.slow
def test_a_wait_that_comes_late_looks_before_it_gives_up() -> None:
    lake = Lake.from_env()
    made_by(lake, numbers("gold.rows", range(10)), line_of_tree()).run()
    assert waited() == {}
    Models.from_env(lake).promote("tree", 1, "staging", by="ann", why="")
    assert waited() == {"version": 1}


def test_a_wait_that_could_not_look_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    event = waited()
    with pytest.raises(AirflowFailException, match="could not be seen after 1:00:00: .*127.0.0.1"):
        waiting().let_go({}, event)  # type: ignore[arg-type,typeddict-item]
    with pytest.raises(AirflowFailException, match="no version of models.tree has the alias 'staging' after 1:00:00"):
        waiting().let_go({}, {})  # type: ignore[arg-type,typeddict-item]


def test_the_log_says_why_a_task_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    task = MaterializeOperator(task_id="make", keys=["gold.iris_features"], by_params=True)
    with caplog.at_level(logging.ERROR), pytest.raises(AirflowFailException) as refused:
        task.execute({"params": {"selection": "gold.iris_feature"}})  # type: ignore[arg-type]
    assert "did you mean gold.iris_features" in str(refused.value)
    assert caplog.messages == [str(refused.value)]
