"""The commands around registered models: what there is, who may serve, what they say."""

import getpass
import os
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show
from api.cli.options import AsJson, spelled

if TYPE_CHECKING:
    from registry.comparison import Comparison
    from registry.model import ModelVersion


def models(
    name: Annotated[str | None, typer.Argument(help="One model; all of them without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lists the registered models: versions, aliases, metrics, and the tables that each was trained on.

    Example: lakeline models iris_xgboost_classifier
    """
    from lakehouse.lake import Lake
    from registry.errors import UnknownModel
    from registry.models import Models

    registered = Models.from_env(Lake.from_env())
    registered.notice_outside_moves()
    names = registered.names()
    wanted = bare(name) if name else None
    if wanted is not None and wanted not in names:
        raise UnknownModel(wanted, names)
    listed = []
    for each in [wanted] if wanted else names:
        aliases = registered.aliases(each)
        for version in registered.versions(each):
            held = [
                alias
                for alias, of in aliases.items()
                if (of.model_id, of.version) == (version.model_id, version.version)
            ]
            listed.append((version, sorted(held)))
    if as_json:
        show.as_json([_plain(version, held) for version, held in listed])
        return
    show.rows(
        ("model", "version", "aliases", "metrics", "trained on", "at", "MLflow run"),
        [(v.name, show.version(v.version), held, _metrics(v), _inputs(v), v.at, v.run_id[:8]) for v, held in listed],
    )
    if not listed:
        show.out.print("no model is registered yet; 'lakeline run' trains what is missing", style="dim")


def promote(
    name: Annotated[str, typer.Argument(help="The model, such as iris_xgboost_classifier.")],
    to: Annotated[str, typer.Option(help="staging (a person reviewed it) or production (it serves).")],
    version: Annotated[
        int | None,
        typer.Option(help="The version; else the candidate for staging, and what is in staging for production."),
    ] = None,
    why: Annotated[
        str, typer.Option(help="The reason, for the journal; a worse model needs one.", callback=spelled)
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Does not ask.")] = False,
    mirror_stages: Annotated[
        bool, typer.Option("--mirror-stages", help="Moves MLflow's old stage of the same name as well.")
    ] = False,
) -> None:
    """Compares a version with the one that an alias stands at, asks, and moves the alias.

    Example: lakeline promote iris_xgboost_classifier --to staging
    """
    from assets.gate import Gate

    gate = Gate.from_env(bare(name), mirror_stages=mirror_stages)
    chosen = gate.chosen(to, version)
    comparison, seen = gate.compare(to, chosen), gate.standing(to, chosen)
    show_comparison(comparison, gate.rows_between(comparison))
    gate.check(comparison, seen, why)
    answer = yes or comparison.is_there or _answer(f"move {to} to version {chosen}?")
    if answer is None:
        show.err.print("nothing was moved, as nobody answered; --yes does")
        raise typer.Exit(1)
    promotion = gate.answer(comparison, seen, is_yes=answer, by=getpass.getuser(), why=why)
    gate.refuse_late(promotion)
    if not answer:
        show.err.print("nothing was moved; the journal tells that you said no")
        raise typer.Exit(1)
    show.out.print(str(promotion))


def predict(
    fields: Annotated[
        list[str], typer.Argument(help="The fields of one row, as FIELD=NUMBER.", metavar="FIELD=NUMBER...")
    ],
    model: Annotated[str | None, typer.Option(help="The model, where there is more than one.")] = None,
    alias: Annotated[str, typer.Option(help="Which of its versions answers.")] = "production",
    as_json: AsJson = False,
) -> None:
    """Predicts one row with the version that an alias names, without a server.

    Example: lakeline predict sepal_length=5.1 sepal_width=3.5 petal_length=1.4 petal_width=0.2
    """
    from api.production import predict_once

    told = predict_once(fields, model=bare(model) if model else None, alias=alias)
    if as_json:
        show.as_json(told)
        return
    inputs = told["inputs"]
    read = [f"{key} v{number}" for key, number in inputs.items()] if isinstance(inputs, dict) else inputs
    show.rows(("", ""), list((told | {"inputs": read}).items()))


def ui(port: Annotated[int, typer.Option(help="The port, on 127.0.0.1.", min=1, max=65535)] = 5000) -> None:
    """Starts MLflow's own pages over the lake's tracking store.

    Example: lakeline ui
    """
    from api.local import ports
    from registry.settings import RegistrySettings
    from registry.ui import ui_command

    command = ui_command(RegistrySettings.from_env(), port)
    # MLflow's server ends with 0 where it cannot listen.
    ports.check([ports.Wanted(service="MLflow's pages", port=port, setting="--port")])
    show.out.print(f"MLflow will answer at {command.address} in a few seconds; Ctrl-C ends it")
    os.execvpe(command.arguments[0], command.arguments, {**os.environ, **command.environment})


def bare(name: str) -> str:
    """A model's name as MLflow knows it: `models.iris` is `iris`."""
    return name.removeprefix("models.")


def _answer(question: str) -> bool | None:
    """What a person says; None where nobody does."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        return None


def show_comparison(comparison: "Comparison", between: dict[str, tuple[int, int]]) -> None:
    """Two versions side by side, and what the rule says of them."""
    champion = show.version(comparison.champion.version if comparison.champion else None)
    challenger = show.version(comparison.challenger.version)
    metrics = [(name, *pair, "") for name, pair in comparison.metrics.items()]
    inputs = [
        (key, *map(show.version, pair), _rows_between(between.get(key))) for key, pair in comparison.inputs.items()
    ]
    show.rows((comparison.name, f"{comparison.alias} {champion}", f"new {challenger}", ""), [*metrics, *inputs])
    for reason in comparison.decision.reasons:
        show.out.print(f"  {reason}", style="green" if comparison.decision.better else "yellow", markup=False)


def _rows_between(counts: tuple[int, int] | None) -> str:
    return "" if counts is None else f"{counts[0]} rows added, {counts[1]} removed"


def _metrics(version: "ModelVersion") -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in version.metrics.items())


def _inputs(version: "ModelVersion") -> list[str]:
    inputs = version.stamp.inputs if version.stamp else {}
    return [f"{key} v{read.version}" for key, read in inputs.items()]


def _plain(version: "ModelVersion", aliases: list[str]) -> dict[str, object]:
    return {
        "name": version.name,
        "version": version.version,
        "aliases": aliases,
        "metrics": dict(version.metrics),
        "inputs": {key: read.version for key, read in version.stamp.inputs.items()} if version.stamp else {},
        "run_id": version.run_id,
        "run": version.stamp.run if version.stamp else None,
        "at": version.at,
    }
