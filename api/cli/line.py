"""The commands of every day: what exists, what is stale and why, bring files in."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show
from api.cli.options import AsJson, At, Force, Selection
from api.cli.progress import Progress

if TYPE_CHECKING:
    from assets.explain import Explanation
    from assets.graph import Graph
    from assets.plan import Step


def assets(selection: Selection = "*", as_json: AsJson = False) -> None:
    """Lists the assets, with what each reads and means.

    Example: lakeline assets "gold.*"
    """
    from assets.asset import group_of, kinds_of
    from assets.catalog import load

    graph = load()
    listed = []
    for key in graph.order if selection == "*" else _chosen(graph, selection, as_json=as_json):
        asset = graph.assets[key]
        about = {
            "key": key,
            "kind": kinds_of(asset)[0],
            "reads": [str(reference) for reference in graph.inputs[key].values()],
            "about": asset.description.splitlines()[0] if asset.description else "",
            "where": str(asset.where),
            "group": group_of(asset),
            "owner": asset.owner,
            "tags": asset.tags,
        }
        listed.append(about)
    if as_json:
        show.as_json(listed)
        return
    show.rows(("asset", "kind", "reads", "about"), [(a["key"], a["kind"], a["reads"], a["about"]) for a in listed])


def _chosen(graph: "Graph", selection: str, *, as_json: bool) -> tuple[str, ...]:
    from assets.select import select

    def stale() -> tuple[str, ...]:
        from assets.materialize import Materializer

        return Materializer.from_env(Progress(is_quiet=as_json).say).chosen("stale()")

    return select(graph, selection, stale=stale)


def plan(
    selection: Selection = "*",
    explain: Annotated[str, typer.Option(metavar="ASSET", help="Tells the whole chain of causes for one asset.")] = "",
    force: Force = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Says what is fresh, missing, stale or blocked, and why; makes nothing.

    Example: lakeline plan +gold.iris_features
    """
    from assets.materialize import Materializer

    materializer = Materializer.from_env(Progress(is_quiet=as_json).say)
    if explain:
        _explained(materializer.explain(explain, selection, force=force, pins=at or ()), as_json=as_json)
        return
    planned = materializer.plan(selection, force=force, pins=at or ())
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


def _explained(told: "Explanation", *, as_json: bool) -> None:
    from assets.explain import in_words

    words = in_words(told)
    if as_json:
        show.as_json(asdict(told) | {"words": words})
        return
    for line in words:
        show.out.print(line, markup=False)


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
