"""The commands of every day: what exists, what is stale and why, bring files in."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show
from api.cli.options import AsJson, At, Force, Selection
from api.cli.progress import Progress

if TYPE_CHECKING:
    from assets.plan import Step


def assets(selection: Selection = "*", as_json: AsJson = False) -> None:
    """Lists the assets, with what each reads and means.

    Example: lakeline assets "gold.*"
    """
    from assets.asset import External, TableAsset
    from assets.catalog import load
    from assets.select import select

    graph = load()
    chosen = graph.order if selection == "*" else select(graph, selection)
    listed = []
    for key in chosen:
        asset = graph.assets[key]
        kind = "table" if isinstance(asset, TableAsset) else "external" if isinstance(asset, External) else "model"
        reads = [str(reference) for reference in graph.inputs[key].values()]
        about = asset.description.splitlines()[0] if asset.description else ""
        listed.append({"key": key, "kind": kind, "reads": reads, "about": about, "where": str(asset.where)})
    if as_json:
        show.as_json(listed)
        return
    show.rows(("asset", "kind", "reads", "about"), [(a["key"], a["kind"], a["reads"], a["about"]) for a in listed])


def plan(selection: Selection = "*", force: Force = False, at: At = None, as_json: AsJson = False) -> None:
    """Says what is fresh, missing, stale or blocked, and why; makes nothing.

    Example: lakeline plan +gold.iris_features
    """
    from assets.materialize import Materializer

    planned = Materializer.from_env(Progress(is_quiet=as_json).say).plan(selection, force=force, pins=at or ())
    if as_json:
        show.as_json([_plain_step(step) for step in planned.steps])
        return
    show.rows(
        ("asset", "state", "version", "why"),
        [(s.key, s.state, show.version(s.version), (*s.causes, *s.notes, *s.skews)) for s in planned.steps],
    )
    blocked = sum(step.state == "BLOCKED" for step in planned.steps)
    command = " ".join(["lakeline run", *([] if selection == "*" else [shlex.quote(selection)])])
    command += "".join(f" --at {shlex.quote(text)}" for text in at or ())
    told = f"{len(planned.work)} to make: {command}" if planned.work else "nothing to make"
    show.out.print(f"\n{told}{f' ({blocked} blocked)' if blocked else ''}", style="dim")


def _plain_step(step: "Step") -> dict[str, object]:
    return {
        "key": step.key,
        "state": step.state,
        "causes": step.causes,
        "version": step.version,
        "notes": step.notes,
        "skew": {skew.ancestor: dict(skew.versions) for skew in step.skews},
    }


def land(
    files: Annotated[list[Path], typer.Argument(help="The files to bring in.")],
    into: Annotated[str, typer.Option(help="The external that they belong to, such as landing.iris.")] = "",
) -> None:
    """Copies files into the landing folder, each in one step, so that none is ever read half.

    Example: lakeline land new_flowers.csv --into landing.iris
    """
    from assets.catalog import load
    from assets.landing import land_files

    for landed in land_files(load(), files, into or None):
        show.out.print(f"landed {landed}", markup=False)
    show.out.print("\n'lakeline plan' shows what they make stale", style="dim")
