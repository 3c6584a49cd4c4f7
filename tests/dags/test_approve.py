"""The task that asks, as Airflow wakes it once somebody has answered."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from dags.bridge.approve import ApproveOperator
from dags.bridge.spec import ApproveSpec
from lakehouse.lake import Lake
from registry.door import opened
from registry.models import Models
from tests.assets.authored import line_of_tree, made_by, numbers

SPEC = ApproveSpec(model="models.tree", alias="staging", shown=None, remind=timedelta(days=1))
CONTEXT = {"dag_run": SimpleNamespace(dag_id="review", run_id="one", start_date=datetime.now(UTC))}
YES = {"chosen_options": ["Approve"], "params_input": {"why": "good"}, "responded_by_user": {"id": "1", "name": "ann"}}


@pytest.mark.slow
def test_an_answer_about_a_version_that_was_deleted_meanwhile_is_let_go() -> None:
    lake = Lake.from_env()
    made_by(lake, numbers("gold.rows", range(10)), line_of_tree()).run()
    models = Models.from_env(lake)
    opened(models.settings).delete_model_version("tree", "1")
    task = ApproveOperator(task_id="approve_staging", spec=SPEC)
    with pytest.raises(AirflowSkipException, match="version 1 of tree is removed, before staging"):
        task.heard(CONTEXT, YES, version=1)  # type: ignore[arg-type]
    assert models.alias("tree", "staging") is None
