"""The commands around the machine: the Spark server, the API, the doctor and the demo."""

import os
from typing import Annotated

import typer

from api.cli import show
from api.cli.options import AsJson

spark = typer.Typer(help="The lake's local Spark server.", no_args_is_help=True, rich_markup_mode=None)


@spark.command()
def start() -> None:
    """Starts the lake's Spark server, or finds the one that runs.

    Example: lakeline spark start
    """
    from lakehouse import spark_server
    from lakehouse.settings import LakeSettings

    address = spark_server.ensure(LakeSettings.from_env(), lambda text: show.err.print(f"  {text}", style="dim"))
    show.out.print(f"Spark answers at {address.split(';')[0]}")


@spark.command()
def stop(
    every: Annotated[bool, typer.Option("--all", help="The servers of all lakes that were started from here.")] = False,
) -> None:
    """Stops the lake's Spark server.

    Example: lakeline spark stop
    """
    from lakehouse import spark_server
    from lakehouse.settings import LakeSettings

    settings = LakeSettings.from_env()
    found = spark_server.stop_all(settings) if every else [spark_server.stop(settings)]
    stopped = [server for server in found if server is not None]
    for server in stopped:
        show.out.print(f"stopped Spark (process {server.pid})")
    if not stopped:
        show.out.print("no Spark server was running")


@spark.command()
def status(as_json: AsJson = False) -> None:
    """Says whether a Spark server runs for the lake.

    Example: lakeline spark status
    """
    from lakehouse import spark_server
    from lakehouse.settings import LakeSettings

    settings = LakeSettings.from_env()
    found = None if settings.spark_remote else spark_server.find(settings)
    told: dict[str, object] = {
        "remote": settings.spark_remote.split(";")[0] if settings.spark_remote else None,
        "running": found is not None,
        "process": found.pid if found else None,
        "port": found.port if found else None,
        "lake": str(settings.root),
    }
    if as_json:
        show.as_json(told)
    elif settings.spark_remote:
        show.out.print(f"SPARK_REMOTE names {told['remote']}; no server is started here")
    elif found:
        show.out.print(f"Spark runs for {settings.root}: process {found.pid}, 127.0.0.1:{found.port}")
    else:
        show.out.print(f"no Spark server runs for {settings.root}; the next run starts one")


def serve(
    port: Annotated[int | None, typer.Option(help="The port, on 127.0.0.1.")] = None,
    model: Annotated[str | None, typer.Option(help="The model to serve, where there is more than one.")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes answer; one without it.")] = None,
    canary: Annotated[
        str | None, typer.Option(metavar="SHARE", help="What part of the requests staging answers, such as 10%.")
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Asks staging as well, in silence, and compares what it says.")
    ] = False,
    log_sync: Annotated[
        str | None, typer.Option(help="What a power cut may take of the log: every (nothing), second, or off.")
    ] = None,
) -> None:
    """Serves the production model over HTTP, and follows the alias without a restart.

    Example: lakeline serve --port 8001 --workers 2
    """
    from api.production import serve_production, serving_settings

    if log_sync is not None:
        os.environ["LAKELINE_LOG_SYNC"] = log_sync  # read by the workers, which are processes of their own
    settings = serving_settings(
        model, serve_port=port, serve_workers=workers, serve_canary=canary, serve_shadow="on" if shadow else None
    )
    serve_production(settings, started=lambda address: print(f"serving at {address}", flush=True))


def doctor(as_json: AsJson = False) -> None:
    """Looks at everything that a run needs, and compares the stamps with what MLflow says.

    Example: lakeline doctor
    """
    from api.diagnosis import examine

    findings = examine()
    if as_json:
        show.as_json([{"what": f.what, "ok": f.is_ok, "found": f.found} for f in findings])
    else:
        show.rows(("", "what", "found"), [("ok" if f.is_ok else "failed", f.what, f.found) for f in findings])
    if not all(finding.is_ok for finding in findings):
        raise typer.Exit(1)


def demo() -> None:
    """Tells the whole story on iris: land, run, review, promote, predict, land more, see what is stale, run again.

    Example: lakeline demo
    """
    from api.cli.story import tell

    tell()
