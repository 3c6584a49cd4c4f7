"""Starts an author off: a first definition and its test."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import show
from api.errors import FileThere
from assets.key import made_key

app = typer.Typer(help="Writes a first definition.", no_args_is_help=True, rich_markup_mode=None)

_DEFINITION = '''"""What should exist."""

from typing import TYPE_CHECKING

from assets import asset, external, rows, unique

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

landed_{name} = external("landing.{name}_files", files="{name}/*.csv", columns=("id", "amount"))


@asset(
    "{key}",
    inputs={{"arrivals": "landing.{name}_files"}},
    checks=[rows("amount >= 0", otherwise="quarantine"), unique("id")],
)
def {name}(arrivals: "DataFrame") -> "DataFrame":
    """One row per line of the landed files, with the amount as a number."""
    return arrivals.selectExpr("id", "try_cast(amount AS DOUBLE) AS amount")
'''

_TEST = '''"""What the definitions mean, on frames made here."""

from pyspark.sql import SparkSession

from {module} import {name}


def test_{name}_reads_amounts_as_numbers(spark: SparkSession) -> None:
    arrivals = spark.createDataFrame([("1", "2.5"), ("2", "none")], "id string, amount string")
    assert [row.asDict() for row in {name}(arrivals).collect()] == [
        {{"id": "1", "amount": 2.5}},
        {{"id": "2", "amount": None}},
    ]
'''

_CONFTEST = '''"""One Spark session for all tests."""

import os
from collections.abc import Iterator

import pytest
from lakehouse import spark_server
from lakehouse.settings import LakeSettings
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A session on the lake's own server, which is started where none runs."""
    address = spark_server.ensure(LakeSettings.from_env(), lambda line: None)
    os.environ["SPARK_REMOTE"] = address
    session = SparkSession.builder.remote(address).getOrCreate()
    yield session
    session.stop()
'''


@app.callback()
def new() -> None:
    """Writes a first definition."""


@app.command("asset")
def new_asset(
    key: Annotated[str, typer.Argument(help="The key, such as silver.orders.")],
    folder: Annotated[Path, typer.Option(help="Where the files are written.")] = Path(),
) -> None:
    """Writes a first definition file and its test.

    Example: lakeline new asset silver.orders
    """
    name = made_key(key).split(".")[1]
    module = f"{name}_assets"
    files = {
        folder / f"{module}.py": _DEFINITION.format(key=key, name=name),
        folder / f"test_{module}.py": _TEST.format(name=name, module=module),
    }
    for path in files:
        if path.exists():
            raise FileThere(str(path))
    if not (folder / "conftest.py").exists():
        files[folder / "conftest.py"] = _CONFTEST
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text)
        show.out.print(f"wrote {path}")
    there = "" if folder == Path() else f"cd {folder}; "
    show.out.print(f"\nnext: {there}export LAKELINE_DEFINITIONS={module}; lakeline plan", style="dim", markup=False)
