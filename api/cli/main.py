"""The program `lakeline`."""

import os
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Annotated

import typer

from api.cli import drift, line, look, machine, models, new, quality, runs, show
from api.cli.two_words import TwoWords
from api.cli.up import down, up
from api.cli.upkeep import upkeep
from lakehouse.errors import PlatformError

app = typer.Typer(
    name="lakeline",
    cls=TwoWords,
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


@app.callback()
def lakeline(
    version: Annotated[bool, typer.Option("--version", help="Shows the version and exits.")] = False,
) -> None:
    """Dagster-style assets on Airflow, Delta and MLflow: what is stale and why, what made it, make it again."""
    if version:
        show.out.print(f"lakeline {metadata.version('lakeline')}")
        raise typer.Exit


_NAMES: Mapping[Callable[..., None], str] = {runs.list_runs: "runs", runs.show_run: "run show"}

for command in (
    line.assets,
    line.plan,
    runs.run,
    runs.list_runs,
    runs.show_run,
    line.land,
    look.history,
    look.lineage,
    look.sql,
    quality.checks,
    quality.quarantine,
    models.models,
    models.promote,
    models.predict,
    drift.drift,
    models.ui,
    upkeep,
    up,
    down,
    machine.serve,
    machine.doctor,
    machine.demo,
):
    app.command(_NAMES.get(command))(command)
app.add_typer(machine.spark, name="spark")
app.add_typer(new.app, name="new")

USAGE = frozenset(
    {
        "AirflowMissing",
        "PortsTaken",
        "UnknownPart",
        "BadQuery",
        "BadSelection",
        "BadSetting",
        "NoAssetHas",
        "NotChosen",
        "NotLandable",
        "NotOne",
        "NotReadable",
        "UnknownAlias",
        "UnknownAsset",
        "UnknownModel",
        "UnknownRun",
        "UnknownVersion",
        "BadRow",
        "DefinitionWrong",
        "DefinitionsUnloadable",
        "FileThere",
        "InputRefused",
        "ModelUnclear",
        "NothingToPromote",
        "NotPinnable",
        "ReleaseRefused",
        "NoVersionNamed",
    }
)
"""The errors that say the command was given wrong; every other one says that the work failed."""


def exit_code(error: PlatformError) -> int:
    """1 where the work failed, 2 where the command was given wrong."""
    return 2 if USAGE & {kind.__name__ for kind in type(error).__mro__} else 1


def run() -> None:
    """Runs the program; an error of ours is one line, and a code that says whose fault it is."""
    try:
        app()
    except PlatformError as error:
        show.err.print(f"error: {error}", style="red", markup=False)
        sys.exit(exit_code(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # a disk that is full or may not be written to
        show.err.print(f"error: {error.filename}: {error.strerror or error}", style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    run()
