from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from assets import (
    Approve,
    Check,
    Cron,
    Materialize,
    OnUpdate,
    Predictions,
    Tend,
    Trained,
    WaitFor,
    asset,
    catalog,
    external,
    job,
    model,
)
from assets.errors import BadOption
from assets.graph import Graph
from assets.job import Job
from assets.jobs import RECONCILER, Jobs
from assets.step import Alias
from registry.model import ALIASES

HERE = str(Path(__file__).relative_to(Path.cwd()))

landed = external("landing.order_files", files="orders/*.csv", columns=("id",))


@asset("bronze.orders", inputs={"rows": "landing.order_files"})
def bronze(rows: object) -> object:
    return rows


@asset("silver.clean", inputs={"rows": "bronze.orders"})
def silver(rows: object) -> object:
    return rows


@model("models.sizes", inputs={"rows": "silver.clean"})
def sizes(rows: object) -> Trained:
    raise NotImplementedError


GRAPH = Graph.of((landed, bronze, silver, sizes))


def wrong(*declared: Job) -> str:
    """What the author is told."""
    with pytest.raises(BadOption) as caught:
        Jobs.of(GRAPH, declared)
    assert f"{HERE}:" in str(caught.value)
    return str(caught.value)


def test_a_job_owns_what_it_makes() -> None:
    made = Jobs.of(
        GRAPH,
        (
            job("tables", steps=[Materialize("bronze.* , silver.*")]),
            job("training", steps=[Materialize("+silver.clean", owns=False), Materialize("models.*", by="step")]),
        ),
    )
    assert made.owners == {"bronze.orders": "tables", "silver.clean": "tables", "models.sizes": "training"}


def test_a_second_owner_is_refused_with_both_places() -> None:
    told = wrong(job("a", steps=[Materialize("bronze.*")]), job("b", steps=[Materialize("+silver.clean")]))
    assert "of the job 'b'" in told
    assert "bronze.orders again, which 'a' makes, declared at" in told
    assert "owns=False" in told


def test_a_selection_of_nothing_is_refused() -> None:
    told = wrong(job("a", steps=[Materialize("silver.clea")]))
    assert "is 'silver.clea'; wanted one that the graph can answer: no asset is named 'silver.clea'" in told
    assert "did you mean silver.clean" in told
    told = wrong(job("a", steps=[Materialize("landing.order_files")]))
    assert "is 'landing.order_files', with nothing that is made; wanted one with a table" in told
    assert "a selection that needs no plan" in wrong(job("a", steps=[Materialize("stale()")]))


def test_the_name_of_a_job_is_its_own() -> None:
    assert "'a' again" in wrong(job("a", steps=[Materialize("bronze.*")]), job("a", steps=[Materialize("silver.*")]))
    told = wrong(job(RECONCILER, steps=[Materialize("bronze.*")]))
    assert "the name of a job is 'lakeline_reconciler'; wanted another: Lakeline's own DAG has this one" in told


def test_what_is_waited_for_is_a_model() -> None:
    assert "models.sizes" in wrong(job("a", steps=[WaitFor("silver.clean", "staging")]))


def test_what_is_tended_are_tables_of_the_graph_or_one_of_lakelines_own() -> None:
    made = Jobs.of(GRAPH, [job("a", steps=[Tend("silver.clean"), Tend("ops.prediction_log")])])
    assert made.owners == {}
    assert "what the job 'a' tends is 'ops.predictions'" in wrong(job("a", steps=[Tend("ops.predictions")]))


def test_what_is_checked_is_a_table_that_the_model_is_trained_on() -> None:
    made = Jobs.of(GRAPH, [job("a", steps=[Check("silver.clean", "models.sizes")])])
    assert made.owners == {}
    assert "did you mean silver.clean?" in wrong(job("a", steps=[Check("silver.clena", "models.sizes")]))
    told = wrong(job("a", steps=[Check("bronze.orders", "models.sizes")]))
    assert "the table that 'a' checks is 'bronze.orders'; wanted a table that models.sizes is trained on" in told
    told = wrong(job("a", steps=[Check("silver.clean", "models.size")]))
    assert "the model that 'a' checks is 'models.size'; wanted the key of a model (models.sizes)" in told


def test_what_starts_a_job_exists() -> None:
    told = wrong(job("a", steps=[Materialize("bronze.*")], schedule=OnUpdate.any("silver.clen")))
    assert "did you mean silver.clean?" in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": "two words", "steps": [Materialize("*")]}, "letters, digits"),
        ({"name": "a", "steps": []}, "at least one step"),
        ({"name": "a" * 251, "steps": [Materialize("*")]}, "(253 characters); wanted letters, digits"),
        ({"name": "a", "steps": ["bronze.orders"]}, "Materialize(...)"),
        ({"name": "a", "steps": Materialize("*")}, "wanted a list of at least one step"),
        ({"name": "a", "steps": [Materialize("*")], "tags": ["a"]}, "tags is ['a']; wanted texts by name"),
        ({"name": "a", "steps": [Materialize("*")], "timeout": 30}, "timeout is 30; wanted a time"),
        ({"name": "a", "steps": [Materialize("*")], "schedule": "0 6 * * *"}, "wanted Cron.at('0 6 * * *')"),
        ({"name": "a", "steps": [Materialize("*")], "schedule": ["silver.x"]}, "wanted OnUpdate.any('silver.x')"),
        ({"name": "a", "steps": [Materialize("*")], "schedule": None}, "none where a person starts it"),
        ({"name": "a", "steps": [Materialize("*")], "schedule": Cron.at("")}, "expression of Cron in the schedule"),
        ({"name": "a", "steps": [Materialize("*")], "schedule": [Cron.at("* * * * *")] * 2}, "at most one"),
        ({"name": "a", "steps": [Materialize("*")], "schedule": ["0 6 * * *"]}, "Cron.at"),
        ({"name": "a", "steps": [Materialize("*")], "schedule": OnUpdate.all()}, "the keys of assets"),
    ],
)
def test_a_wrong_option_is_told_with_its_place(given: dict[str, object], told: str) -> None:
    with pytest.raises(BadOption) as caught:
        job(**given)  # type: ignore[arg-type]
    assert told in str(caught.value)
    assert f"{HERE}:" in str(caught.value)


SIZES = "models.sizes"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Materialize("*", by="table"), "by of Materialize in the job 'a' is 'table'; wanted one of 'asset', 'step'"),  # type: ignore[arg-type]
        (Materialize("*", by="step", name="a b/c"), "name of Materialize in the job 'a' is 'a b/c'; wanted letters"),
        (Materialize(silver), "selection of Materialize in the job 'a' is"),  # type: ignore[arg-type]
        (WaitFor(SIZES, "stagging"), "is 'stagging'; wanted one of 'candidate', 'staging', 'production'"),  # type: ignore[arg-type]
        (WaitFor(SIZES, "staging", poll=timedelta()), "wanted a time, and a longer one than none: poll=timedelta("),
        (WaitFor(SIZES, "staging", poll=30), "poll of WaitFor in the job 'a' is 30; wanted"),  # type: ignore[arg-type]
        (WaitFor(SIZES, "staging", timeout=timedelta(seconds=-5)), "timeout of WaitFor in the job 'a' is"),
        (WaitFor(sizes, "staging"), "model of WaitFor in the job 'a' is"),  # type: ignore[arg-type]
        (Approve(SIZES, "candidate"), "alias of Approve in the job 'a' is 'candidate'; wanted one of 'staging'"),  # type: ignore[arg-type]
        (Approve(SIZES, "staging", remind=timedelta()), "remind of Approve in the job 'a' is"),
        (Approve(SIZES, "staging", shown="gold.x"), "wanted Predictions("),  # type: ignore[arg-type]
        (Approve(SIZES, "staging", shown=Predictions(table="gold.x", of="id", by="id")), "two columns of the table"),
        (Approve(SIZES, "staging", shown=Predictions(table="gold.x", of="", by="id")), "of of shown of Approve"),
        (Tend("silver.clean", older_than=timedelta()), "older_than of Tend in the job 'a' is"),
        (Check("silver.clean", SIZES, alias="prod"), "alias of Check in the job 'a' is 'prod'; wanted one of"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_option_of_a_step_is_told_where_its_job_is(step: object, told: str) -> None:
    with pytest.raises(BadOption) as caught:
        job("a", steps=[step])  # type: ignore[list-item]
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{HERE}:")


def test_every_alias_of_a_model_can_be_waited_for() -> None:
    assert get_args(Alias) == ALIASES


def test_jobs_are_found_beside_the_assets() -> None:
    declared = catalog.load_jobs()
    assert declared.jobs.owners["gold.iris_features"] == "iris_data_dag"
    assert declared.jobs.owners["models.iris_xgboost_classifier"] == "ml_training_dag"
    waits = declared.jobs.jobs["ml_inference_dag"].steps[0]
    assert isinstance(waits, WaitFor)
    assert waits.poll == timedelta(seconds=30)
