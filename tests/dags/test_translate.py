import re
from datetime import timedelta

import pytest

from assets import Cron, Materialize, asset, catalog, job
from assets.catalog import Declared
from assets.errors import BadOption
from assets.jobs import Jobs
from dags.bridge.spec import CheckSpec, DagSpec, MaterializeSpec, WaitSpec
from dags.bridge.translate import translate
from dags.bridge.uri import uris
from lakehouse.settings import LakeSettings


@pytest.fixture
def declared() -> Declared:
    return catalog.load_jobs(["tests.dags.shop"])


def specs(declared: Declared, only: str | None = None) -> dict[str, DagSpec]:
    settings = LakeSettings(lake_root="/lake", landing_root="/landing")
    return {spec.id: spec for spec in translate(declared, uris(declared.graph, settings), only=only)}


def test_a_task_for_each_asset_waits_for_what_it_reads(declared: Declared) -> None:
    tables = specs(declared)["tables"]
    after = {task.id: task.after for task in tables.tasks}
    assert after == {"bronze.orders": (), "silver.left": ("bronze.orders",), "silver.right": ("bronze.orders",)}
    assert [task.outlets[0].uri for task in tables.tasks] == [
        "file:///lake/bronze/orders",
        "file:///lake/silver/left",
        "file:///lake/silver/right",
    ]
    first = tables.tasks[0]
    assert (first.retries, first.owner, first.alias) == (4, "ann", None)


def test_a_step_waits_for_the_whole_step_before_it(declared: Declared) -> None:
    refresh, wait, train = specs(declared)["training"].tasks
    assert refresh.does == MaterializeSpec(keys=("silver.left", "silver.right"))
    assert (refresh.outlets, refresh.alias) == ((), "training.refresh")
    assert isinstance(wait.does, WaitSpec)
    assert (wait.id, wait.after, train.after) == ("wait_for_staging", ("refresh",), ("wait_for_staging",))
    assert [outlet.name for outlet in train.outlets] == ["models.sizes"]
    assert (train.pool, train.owner, train.timeout) == ("small", "bob", timedelta(minutes=10))
    assert (refresh.pool, refresh.timeout) == ("wide", timedelta(minutes=10))  # the left one may take what the job says
    assert wait.timeout is None  # it ends by its own


def test_what_an_asset_says_of_its_task_counts_more(declared: Declared) -> None:
    made = specs(declared)["tables"]
    right = next(task for task in made.tasks if task.id == "silver.right")
    assert (right.pool, right.timeout) == ("wide", timedelta(minutes=3))
    assert made.tags == ("lakeline", "source:till")
    assert specs(declared)["training"].tags == ("lakeline", "line:shop")


@pytest.mark.parametrize("wrong", [timedelta(), 30, "an hour"])
def test_a_time_that_nothing_can_take_is_refused(wrong: object) -> None:
    with pytest.raises(BadOption, match=r"timeout=timedelta\(minutes=30\)"):
        asset("silver.x", timeout=wrong)(lambda: None)  # type: ignore[arg-type]


def test_a_check_is_a_task_of_its_own_one_after_the_other(declared: Declared) -> None:
    first, second = specs(declared)["watching"].tasks
    assert first.does == CheckSpec(table="silver.left", model="models.sizes", alias="production")
    assert second.does == CheckSpec(table="silver.right", model="models.sizes", alias="staging")
    assert (first.id, second.id, second.after) == ("check_drift", "of_staging", ("check_drift",))
    assert (first.retries, first.outlets, first.alias) == (2, (), None)


def test_a_schedule_has_times_and_updates(declared: Declared) -> None:
    made = specs(declared)
    schedule = made["training"].schedule
    assert (schedule.cron, schedule.needs_all) == ("0 7 * * *", True)
    assert [asset.name for asset in schedule.assets] == ["silver.left", "silver.right"]
    assert made["tables"].schedule.timezone == "Europe/Berlin"


def test_pages_tell_what_an_asset_is_and_how_it_is_checked(declared: Declared) -> None:
    told = next(task.doc for task in specs(declared)["tables"].tasks if task.id == "silver.left")
    assert "The left side." in told
    assert "unique" in told and "fail" in told
    assert "`bronze.orders`" in told
    assert "tests/dags/shop.py:" in told


def test_one_dag_alone_is_translated_where_a_task_needs_no_other(declared: Declared) -> None:
    assert list(specs(declared, only="training")) == ["training"]


@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        ("every morning", "five fields"),
        ("*/5 * * * * *", "five fields"),
        ("0 0 31 2 *", "a day that comes"),
        ("0 0 29 2 *", None),
        ("@daily", None),
    ],
)
def test_times_that_cannot_be_read_or_never_come_are_told_with_their_place(
    declared: Declared, times: str, wanted: str | None
) -> None:
    timed = job("timed", steps=[Materialize("bronze.*")], schedule=Cron.at(times))
    told = Declared(graph=declared.graph, jobs=Jobs.of(declared.graph, [timed]))
    if wanted is None:
        assert specs(told)["timed"].schedule.cron == times
        return
    found = rf"test_translate.py:\d+: the times of the job 'timed' is {re.escape(repr(times))}; wanted {wanted}"
    with pytest.raises(BadOption, match=found):
        specs(told)


def test_two_tasks_of_one_name_are_refused(declared: Declared) -> None:
    steps = [Materialize("bronze.*", by="step", name="same"), Materialize("silver.*", by="step", name="same")]
    wrong = job("wrong", steps=steps)
    with pytest.raises(BadOption, match="'same' again"):
        specs(Declared(graph=declared.graph, jobs=Jobs.of(declared.graph, [wrong])))


def test_the_shipped_dags_have_the_names_that_people_know() -> None:
    shipped = specs(catalog.load_jobs())
    assert {name: [task.id for task in spec.tasks] for name, spec in shipped.items()} == {
        "iris_data_dag": ["bronze.iris_raw", "silver.iris_clean", "gold.iris_features"],
        "ml_training_dag": ["run_data_pipeline", "run_training_pipeline"],
        "ml_promotion_dag": ["approve_staging", "approve_production"],
        "model_monitoring_dag": ["check_drift"],
        "ml_inference_dag": ["wait_for_model_in_staging", "run_inference_pipeline"],
        "prediction_log_dag": ["tend_prediction_log"],
        "lakeline_reconciler": ["wake_owners"],
    }
