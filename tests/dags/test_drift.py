"""The task that measures drift, as Airflow calls it."""

import socket
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from scipy.stats import ks_2samp

from dags.bridge.drift import CheckDrift
from lakehouse.lake import Lake
from tests.observability.drifted import MODEL, TABLE, grown, serving

CONTEXT = {"dag_run": SimpleNamespace(dag_id="model_monitoring_dag", run_id="scheduled-1")}


@pytest.fixture
def lake() -> Lake:
    return Lake.from_env()


def executed(table: str = TABLE) -> dict[str, object]:
    task = CheckDrift(task_id="check_drift", table=table, model=f"models.{MODEL}", alias="production")
    return dict(task.execute(CONTEXT))  # type: ignore[arg-type]


def test_a_task_is_skipped_where_nothing_serves(lake: Lake) -> None:
    grown(lake, 1.0)
    with pytest.raises(AirflowSkipException, match="nothing serves yet"):
        executed()
    assert lake.history("ops.drift") == ()


@pytest.mark.slow
def test_a_task_answers_what_it_found_and_records_it_once(lake: Lake) -> None:
    grown(lake, 1.0, 2.0)
    serving(lake)
    grown(lake, 3.0, 4.0)
    found = executed()
    assert found == {
        "table": TABLE,
        "model_version": 1,
        "baseline_version": 0,
        "current_version": 1,
        "is_new": True,
        "ks_statistic": {"sepal_length": 0.5},
        "p_value": {"sepal_length": pytest.approx(ks_2samp([1, 2], [1, 2, 3, 4]).pvalue)},
    }
    assert executed() == found | {"is_new": False}
    (commit,) = lake.history("ops.drift")
    assert commit.stamp is not None
    assert commit.stamp.run == "model_monitoring_dag/scheduled-1"


def test_a_task_that_could_not_push_fails_and_may_be_tried_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    grown(lake, 1.0)
    serving(lake)
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("PUSHGATEWAY_URL", f"127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(AirflowException, match="what was measured is kept") as caught:
        executed()
    assert not isinstance(caught.value, AirflowFailException)
    assert len(lake.history("ops.drift")) == 1


def test_a_task_that_can_never_compare_is_not_tried_again(lake: Lake) -> None:
    grown(lake, 1.0)
    serving(lake)
    with pytest.raises(AirflowFailException, match="it was trained on"):
        executed("gold.other")
