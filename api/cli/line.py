"""The commands of every day: what exists, what is stale and why, make it, bring files in."""

import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show
from api.cli.options import AsJson, Force, Selection
from api.cli.progress import Progress

if TYPE_CHECKING:
    from assets.explain import Explanation
    from assets.graph import Graph


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
    as_json: AsJson = False,
) -> None:
    """Says what is fresh, missing, stale or blocked, and why; makes nothing.

    Example: lakeline plan +gold.iris_features
    """
    from assets.materialize import Materializer

    materializer = Materializer.from_env(Progress(is_quiet=as_json).say)
    if explain:
        _explained(materializer.explain(explain, selection, force=force), as_json=as_json)
        return
    planned = materializer.plan(selection, force=force)
    if as_json:
        show.as_json(
            [{"key": s.key, "state": s.state, "causes": s.causes, "version": s.version} for s in planned.steps]
        )
        return
    show.rows(
        ("asset", "state", "version", "why"),
        [(step.key, step.state, show.version(step.version), step.causes) for step in planned.steps],
    )
    blocked = sum(step.state == "BLOCKED" for step in planned.steps)
    command = "lakeline run" if selection == "*" else f"lakeline run {shlex.quote(selection)}"
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


def run(selection: Selection = "*", force: Force = False, as_json: AsJson = False) -> None:
    """Makes what is missing or stale, in order; what fails stops only what reads it.

    Example: lakeline run "models.*+" --force
    """
    from assets.materialize import Materializer

    started = time.monotonic()
    progress = Progress(is_quiet=as_json)
    try:
        done = Materializer.from_env(progress.say).run(selection, force=force, reporter=progress)
    except KeyboardInterrupt:
        show.err.print("interrupted; what was published stays, and nothing else was", style="red")
        raise typer.Exit(1) from None
    if as_json:
        show.as_json(
            {
                "run": done.run,
                "ok": done.is_ok,
                "outcomes": [
                    {
                        "key": o.key,
                        "action": o.action,
                        "causes": o.causes,
                        "before": o.before,
                        "after": o.after,
                        "rows": o.rows,
                        "seconds": round(o.seconds, 3),
                        "notes": o.notes,
                        "error": str(o.error) if o.error else None,
                    }
                    for o in done.outcomes
                ],
            }
        )
    else:
        progress.summary(done, time.monotonic() - started)
    if not done.is_ok:
        raise typer.Exit(1)


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
