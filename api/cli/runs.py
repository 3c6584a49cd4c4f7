"""The commands of runs: make what is stale, and look at what was made by which run."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import show
from api.cli.interrupt import end_at_once, heeding
from api.cli.options import AsJson, At, Force, Jobs, Selection
from api.cli.progress import Progress

if TYPE_CHECKING:
    from assets.lineage import Version
    from assets.materialize import Done
    from assets.runs import RunMade


def run(
    selection: Selection = "*", force: Force = False, at: At = None, jobs: Jobs = None, as_json: AsJson = False
) -> None:
    """Makes what is missing or stale, inputs first; what fails stops only what reads it.

    'lakeline run show ID' tells what a run has made, 'lakeline runs' lists them.

    Example: lakeline run "models.*+" --force
    """
    from assets.materialize import Materializer
    from assets.stop import Stop

    started, stop = time.monotonic(), Stop()
    progress = Progress(is_quiet=as_json)
    try:
        with heeding(stop):
            materializer = Materializer.from_env(progress.say)
            done = materializer.run(selection, force=force, pins=at or (), jobs=jobs, reporter=progress, stop=stop)
    except KeyboardInterrupt:
        show.err.print("interrupted before anything was made", style="red")
        raise typer.Exit(1) from None
    if as_json:
        show.as_json(_plain_done(done))
    else:
        progress.summary(done, time.monotonic() - started)
    if done.abandoned:
        end_at_once()  # nothing waits for what a thread still computes
    if not done.is_ok:
        raise typer.Exit(1)


def list_runs(as_json: AsJson = False) -> None:
    """Lists the runs that made something, newest first; from the stamps of what they made.

    Example: lakeline runs
    """
    told = _told()
    if as_json:
        show.as_json([_plain_run(made) for made in told])
        return
    show.rows(("run", "started", "selection", "made"), [(r.id, r.started, r.selection or "", _made(r)) for r in told])


def show_run(
    run_id: Annotated[str, typer.Argument(help="The name of a run, or its beginning.", metavar="ID")],
    as_json: AsJson = False,
) -> None:
    """Shows every version that a run made: rows, what it was made from, the code, and what its checks found.

    Example: lakeline run show 20261124T1
    """
    from assets.runs import find

    found = find(_told(), run_id)
    if as_json:
        show.as_json(_plain_run(found) | {"versions": [_plain_version(made) for made in found.made]})
        return
    selected = f", selection {found.selection}" if found.selection else ""
    show.out.print(
        f"run {found.id}, started {show.told(found.started) or 'at an unknown time'}{selected}", markup=False
    )
    columns = ("asset", "version", "rows", "made from", "code", "at", "checks failed", "notes")
    show.rows(columns, [_version_row(made) for made in found.made])


def _told() -> "tuple[RunMade, ...]":
    from assets.lineage import Lineage
    from assets.runs import runs
    from lakehouse.lake import Lake

    return runs(Lineage.of(Lake.from_env()))


def _made(made: "RunMade") -> str:
    first = ", ".join(made.assets[:3])
    more = f" and {len(made.assets) - 3} more" if len(made.assets) > 3 else ""
    return f"{len(made.assets)}: {first}{more}"


def _version_row(made: "Version") -> tuple[object, ...]:
    from assets.runs import to_be_known

    plain = _plain_version(made)
    read = [f"{key} v{number}" for key, number in _pairs(plain["inputs"])]
    failed = [f"{check.failed} {check.name}" for check in (made.stamp.checks if made.stamp else ()) if check.failed]
    notes = [f"{key} pinned to v{number}" for key, number in _pairs(plain["at"])]
    notes += [f"skew over {key}" for key, _ in _pairs(plain["skew"])]
    if made.stamp:
        notes += to_be_known(made.stamp)
    code = str(plain["code"])[:8]
    return (made.key, show.version(made.version), made.rows, read, code, made.at, failed, notes)


def _pairs(value: object) -> list[tuple[object, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def _plain_run(made: "RunMade") -> dict[str, object]:
    return {
        "run": made.id,
        "started": made.started,
        "ended": made.ended,
        "selection": made.selection,
        "made": [{"key": version.key, "version": version.version} for version in made.made],
    }


def _plain_version(made: "Version") -> dict[str, object]:
    stamp = made.stamp
    assert stamp is not None
    return {
        "key": made.key,
        "version": made.version,
        "at": stamp.extra.get("at", {}),
        "made_at": made.at,
        "rows": made.rows,
        "code": stamp.code,
        "sequence": stamp.sequence,
        "inputs": {key: read.version for key, read in stamp.inputs.items()},
        "skew": stamp.extra.get("skew", {}),
        "checks": [
            {"name": c.name, "otherwise": c.otherwise, "failed": c.failed, "total": c.total} for c in stamp.checks
        ],
    }


def _plain_done(done: "Done") -> dict[str, object]:
    return {
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
                "tries": o.tries,
                "notes": o.notes,
                "error": str(o.error) if o.error else None,
            }
            for o in done.outcomes
        ],
    }
