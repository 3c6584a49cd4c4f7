"""What a team has in its own Airflow: definitions, and DAGs that are written by hand."""

DEFINITIONS = '''
import pyarrow as pa

from assets import Approve, Materialize, Trained, asset, external, job, model, rows

landed = external("landing.their_files", files="theirs/*.csv", columns=("id",))


@asset("bronze.their_taken", inputs={"files": "landing.their_files"}, engine="duckdb")
def their_taken(files):
    """What was fetched."""
    return files


@asset("gold.their_rows", engine="duckdb")
def their_rows():
    """Ten numbers."""
    return pa.table({"id": list(range(10))})


@asset("gold.their_copy", inputs={"given": "gold.their_rows"}, engine="duckdb")
def their_copy(given):
    """The same numbers."""
    import os

    print("the secret is", os.environ["AWS_SECRET_ACCESS_KEY"])
    return given


@asset("gold.their_few", inputs={"given": "gold.their_rows"}, engine="duckdb", checks=[rows("id < 8", otherwise="fail")])
def their_few(given):
    """Numbers that are too high."""
    return given


@model("models.their_tree", inputs={"given": "gold.their_rows"})
def their_tree(given):
    """Whether a number is above 4."""
    from sklearn.tree import DecisionTreeClassifier

    frame = given.select(["id"]).to_pandas()
    fitted = DecisionTreeClassifier(max_depth=2).fit(frame, (frame["id"] > 4).astype(int))
    return Trained(model=fitted, features=("id",), metrics={"accuracy": 1.0}, example=given.slice(0, 2))


training = job("their_training", steps=[Materialize("models.their_tree")])
review = job("their_review", steps=[Approve("models.their_tree", "staging")])
'''

DAGS = '''
"""DAGs of Airflow, as another team writes them."""

import os

os.environ["LAKELINE_DEFINITIONS"] = "their_assets"

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, task

from dags.lakeline import asset, lakeline_task

copied, fetched = asset("gold.their_copy"), asset("landing.their_files")


@dag(schedule=None, params={"selection": "of no meaning to Lakeline"})
def their_line():
    made = lakeline_task("+gold.their_copy", task_id="make")

    @task
    def tell(made):
        print("made", sorted(made))

    made >> tell(made.output)


@dag(schedule=[copied])
def their_report():
    @task
    def tell(triggering_asset_events=None):
        from dags.bridge.hook import LakelineHook

        (event,) = triggering_asset_events[copied]
        told = LakelineHook().get_conn().history("gold.their_copy")[-1]
        assert (event.extra["version"], event.extra["rows"]) == (told.version, told.rows)
        print("version", told.version, "has", told.rows, "rows")

    tell()


@dag(schedule=None)
def their_fetch():
    BashOperator(
        task_id="fetch",
        bash_command="mkdir -p $FOLDER && echo id > $FOLDER/one.csv && echo 7 >> $FOLDER/one.csv",
        env={"FOLDER": os.environ["THEIR_LANDING"] + "/theirs"},
        append_env=True,
        outlets=[fetched],
    )


@dag(schedule=[fetched])
def their_taking():
    lakeline_task("bronze.their_taken")


@dag(schedule=None)
def their_checks():
    lakeline_task("gold.their_few")


their_line(), their_report(), their_fetch(), their_taking(), their_checks()
'''
