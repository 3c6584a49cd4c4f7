"""Definitions that are wrong, as Airflow's own parser tells of them."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FILE = """
from airflow.sdk import get_parsing_context

from dags.bridge.parse import dags

globals().update(dags(only=get_parsing_context().dag_id))
"""
ASSETS = """\
from assets import Approve, Cron, Materialize, OnUpdate, asset, job


@asset("silver.shop", engine="duckdb")
def shop():
    return None


"""
WRONG = {
    "an asset that reads nothing that is": (
        '@asset("gold.sums", inputs={"rows": "silver.shopp"})\ndef sums(rows):\n    return rows\n',
        "wrong.py:9: gold.sums reads 'silver.shopp', which no definition produces; did you mean silver.shop?",
    ),
    "a module that raises": ("1 / 0\n", "the definitions 'wrong' cannot be loaded: ZeroDivisionError at"),
    "two owners": (
        'one = job("one", steps=[Materialize("silver.shop")])\ntwo = job("two", steps=[Materialize("silver.*")])\n',
        "wrong.py:10: a selection of the job 'two' is silver.shop again, which 'one' makes, declared at",
    ),
    "a selection of nothing": (
        'one = job("one", steps=[Materialize("gold.*")])\n',
        "wrong.py:9: a selection of the job 'one' is 'gold.*'; wanted",
    ),
    "a bad cron": (
        'one = job("one", steps=[Materialize("silver.shop")], schedule=Cron.at("0 25 * * *"))\n',
        "wrong.py:9: the times of the job 'one' is '0 25 * * *'; wanted five fields",
    ),
    "a name that Lakeline's own DAG has": (
        'one = job("lakeline_reconciler", steps=[Materialize("silver.shop")])\n',
        "wrong.py:9: the name of a job is 'lakeline_reconciler'; wanted another",
    ),
    "a bad time zone": (
        'one = job("one", steps=[Materialize("silver.shop")], schedule=Cron.at("0 5 * * *", "Mars/Base"))\n',
        "wrong.py:9: the time zone of the job 'one' is 'Mars/Base'; wanted",
    ),
    "an unknown asset to start by": (
        'one = job("one", steps=[Materialize("silver.shop")], schedule=OnUpdate.any("silver.shoq"))\n',
        "wrong.py:9: what the job 'one' is started by is 'silver.shoq'; wanted the key of an asset; did you mean silver.shop?",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_import_error_names_the_place_and_what_was_wanted(name: str, tmp_path: Path) -> None:
    definitions, told = WRONG[name]
    error = import_error(tmp_path, {"wrong": ASSETS + definitions, "ours": FILE})
    assert told in error


def test_a_dag_by_hand_is_refused_with_its_line(tmp_path: Path) -> None:
    by_hand = (
        '"""By hand, for Airflow."""\nfrom airflow.sdk import DAG\n\nfrom dags.lakeline import lakeline_task\n\n'
        'with DAG("by_hand"):\n    lakeline_task("silver.shoq")\n'
    )
    error = import_error(tmp_path, {"wrong": ASSETS, "by_hand": by_hand})
    assert "by_hand.py:7: a selection of a DAG is 'silver.shoq'; wanted" in error
    assert "did you mean silver.shop?" in error


def import_error(folder: Path, files: dict[str, str]) -> str:
    """What Airflow's own parser tells of a folder of DAGs, in which one file is refused."""
    dags = folder / "dags"
    dags.mkdir()
    for name, text in files.items():
        (dags / f"{name}.py").write_text(text)
    (dags / ".airflowignore").write_text("wrong.py\n")
    code = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        f"print(*DagBag({str(dags)!r}).import_errors.values(), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(dags),
            "LAKELINE_DEFINITIONS": "wrong",
            "LAKELINE_HOME": str(folder),
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
