"""DAGs that others write by hand: what they are given, without a scheduler."""

from pathlib import Path

import pytest
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset, AssetAlias, TaskGroup

from assets.errors import BadOption
from dags.bridge.operators import MaterializeOperator
from dags.lakeline import asset, lakeline_task
from tests.dags.snippets import blocks


@pytest.fixture(autouse=True)
def shop(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_DEFINITIONS", "tests.dags.shop")
    monkeypatch.setenv("LAKE_ROOT", "/lake")


def test_an_asset_is_the_one_of_the_generated_dags() -> None:
    assert asset("silver.left") == Asset(name="silver.left", uri="file:///lake/silver/left", group="silver")
    assert asset("models.sizes@production").uri == "x-mlflow-model://sizes/production"
    assert [watcher.name for watcher in asset("landing.order_files").watchers] == ["landing.order_files"]


def test_a_dag_is_scheduled_on_an_asset_and_a_plain_operator_sends_its_events() -> None:
    with DAG("theirs", schedule=[asset("silver.left")]) as dag:
        fetch = BashOperator(task_id="fetch", bash_command="true", outlets=[asset("landing.order_files")])
    assert dag.timetable.asset_condition.objects == (asset("silver.left"),)
    assert [outlet.name for outlet in fetch.outlets] == ["landing.order_files"]


def test_a_task_makes_a_selection_and_owns_nothing() -> None:
    with DAG("theirs", schedule=None):
        made = lakeline_task("silver.*", task_id="sides", retries=3)
    assert isinstance(made, MaterializeOperator)
    assert (made.keys, made.retries, made.by_params) == (("silver.left", "silver.right"), 3, False)
    assert made.outlets == [AssetAlias(name="theirs.sides")]
    assert made.inlets == [asset("bronze.orders")]
    assert "The left side." in str(made.doc_md)


def test_a_task_is_called_as_its_only_asset() -> None:
    with DAG("theirs", schedule=None), TaskGroup("group"):
        one, more = lakeline_task("bronze.orders"), lakeline_task("+silver.left")
    assert [one.task_id, more.task_id] == ["group.bronze.orders", "group.materialize"]
    assert one.outlets == [AssetAlias(name="theirs.group.bronze.orders")]
    assert [one.retries, more.retries] == [4, 4]


def test_what_was_skipped_before_stops_no_task_and_an_option_counts_more() -> None:
    with DAG("theirs", schedule=None):
        assert lakeline_task("bronze.orders").trigger_rule == "none_failed"
        assert lakeline_task("silver.left", trigger_rule="all_done").trigger_rule == "all_done"


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        ("gold.*", r"test_lakeline.py:\d+: a selection of a DAG is 'gold.\*'; wanted"),
        ("landing.*", r"test_lakeline.py:\d+: a selection of a DAG is 'landing.\*', with nothing that is made"),
        ("bronze.order", "did you mean bronze.orders"),
    ],
)
def test_a_selection_of_nothing_is_refused_with_its_place(selection: str, told: str) -> None:
    with DAG("theirs", schedule=None), pytest.raises(BadOption, match=told):
        lakeline_task(selection)


def test_an_unknown_asset_is_refused_with_its_place() -> None:
    with pytest.raises(BadOption, match=r"test_lakeline.py:\d+: the asset of a DAG is 'silver.lefd'; .*silver.left"):
        asset("silver.lefd")
    with pytest.raises(BadOption, match="staging or production"):
        asset("models.sizes@tested")


def test_the_page_for_authors_holds_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKELINE_DEFINITIONS")
    found: dict[str, DAG] = {}
    for block in blocks("python"):
        names: dict[str, object] = {"__name__": "theirs"}
        exec(compile(block, "docs/airflow.md", "exec"), names)
        found |= {value.dag_id: value for value in names.values() if isinstance(value, DAG)}
        found |= dags_of(block, names)
    assert {"iris_data_dag", "features_report", "features_by_name", "morning_letter", "take_flowers"} <= set(found)
    assert set(found["morning_letter"].task_ids) == {"predictions", "send"}
    assert found["take_flowers"].task_ids == ["bronze.iris_raw"]


def dags_of(block: str, names: dict[str, object]) -> dict[str, DAG]:
    """The DAGs of functions that a block calls last."""
    called = [line.removesuffix("()") for line in block.splitlines() if line.endswith("()") and line[0] != " "]
    return {name: names[name]() for name in called}  # type: ignore[operator]
