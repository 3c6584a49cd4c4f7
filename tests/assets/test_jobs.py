from datetime import timedelta
from pathlib import Path

import pytest

from assets import Check, Cron, Materialize, OnUpdate, Trained, WaitFor, asset, catalog, external, job, model
from assets.errors import BadOption
from assets.graph import Graph
from assets.job import Job
from assets.jobs import Jobs

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
    assert "did you mean silver.clean" in wrong(job("a", steps=[Materialize("silver.clea")]))
    assert "nothing that is made" in wrong(job("a", steps=[Materialize("landing.order_files")]))
    assert "a selection that needs no plan" in wrong(job("a", steps=[Materialize("stale()")]))


def test_the_name_of_a_job_is_its_own() -> None:
    assert "'a' again" in wrong(job("a", steps=[Materialize("bronze.*")]), job("a", steps=[Materialize("silver.*")]))


def test_what_is_waited_for_is_a_model() -> None:
    assert "models.sizes" in wrong(job("a", steps=[WaitFor("silver.clean", "staging")]))


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
        ({"name": "a", "steps": ["bronze.orders"]}, "Materialize(...)"),
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


def test_jobs_are_found_beside_the_assets() -> None:
    declared = catalog.load_jobs()
    assert declared.jobs.owners["gold.iris_features"] == "iris_data_dag"
    assert declared.jobs.owners["models.iris_xgboost_classifier"] == "ml_training_dag"
    waits = declared.jobs.jobs["ml_inference_dag"].steps[0]
    assert isinstance(waits, WaitFor)
    assert waits.poll == timedelta(seconds=30)
