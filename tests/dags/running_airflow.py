"""A real Airflow for tests, started by the same door as `lakeline up`."""

import os
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from api.local.airflow import Airflow, command, credentials, environment, services
from api.local.credentials import USER
from api.local.ports import free_port
from api.local.running import Running
from api.local.signals import Asked
from lakehouse import spark_server
from lakehouse.settings import LakeSettings
from tests.dags.rest import Rest, until

_OTHERS = ("AIRFLOW", "MLFLOW_", "LAKE_ROOT", "LANDING_ROOT", "LAKELINE_", "SPARK_REMOTE", "PUSHGATEWAY_URL")
_DAGS = """\
import os

os.environ["LAKELINE_DEFINITIONS"] = {modules!r}

from airflow.sdk import get_parsing_context

from dags.bridge.parse import dags

made = dags(only=get_parsing_context().dag_id)
globals().update({{name: dag for name, dag in made.items() if (name == "lakeline_reconciler") is {is_reconciler}}})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealAirflow:
    """An Airflow, its lake and its REST API. All tests of a session share it: each names assets and DAGs of its own."""

    rest: Rest
    airflow: Airflow
    running: Running
    lake_home: Path
    environment: Mapping[str, str] = field(repr=False)

    def add(self, name: str, definitions: str) -> str:
        """Gives it a module of definitions and a file that makes DAGs of its jobs; what the module is called.

        The reconciler is left out, so that no test is disturbed by the tables of another.
        """
        (self.airflow.dags / f"{name}.py").write_text(textwrap.dedent(definitions))
        (self.airflow.dags / f"{name}_dags.py").write_text(_DAGS.format(modules=name, is_reconciler=False))
        return name

    def reconcile(self, *modules: str) -> None:
        """Gives it the reconciler of these modules of definitions, in place of the one that it had."""
        told = _DAGS.format(modules=",".join(modules), is_reconciler=True)
        (self.airflow.dags / "reconciler_dags.py").write_text(told)

    def add_file(self, name: str, text: str) -> None:
        """Gives it a file of DAGs as somebody writes it by hand."""
        (self.airflow.dags / f"{name}.py").write_text(textwrap.dedent(text))

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """An `airflow` command that sees this Airflow; one that found SQLite locked is given again."""
        for _ in range(3):
            done = subprocess.run(
                command(*words), env=dict(self.environment), capture_output=True, text=True, check=False, timeout=120
            )
            if "database is locked" not in done.stderr:
                break
        return done

    def process(self, name: str) -> psutil.Process:
        """The process of the scheduler, the triggerer, the dag-processor or the api-server."""
        return psutil.Process(self.running.pid(f"Airflow's {name}"))

    def kill(self, name: str) -> None:
        """Kills a program with -9, and all that it started; it is started again by `heal`."""
        process = self.process(name)
        family = [*process.children(recursive=True), process]
        for member in family:
            member.kill()
        psutil.wait_procs(family, timeout=10)

    def heal(self) -> None:
        """Starts again what was killed, in the order of `lakeline up`, and returns when all of it is ready."""

        def healed() -> bool:
            self.running.heal()
            return all(state.is_ready for state in self.running.states())

        until(healed, "all of Airflow is ready again", seconds=120)


@contextmanager
def real_airflow_on(
    folder: Path,
    *,
    database: str | None = None,
    dags: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> Iterator[RealAirflow]:
    """An Airflow that is ready, with all state in a folder; it has ended, with all that it started, when the block ends."""
    lake_home, parsed = folder / ".lakeline", dags or folder / "dags"
    parsed.mkdir(parents=True, exist_ok=True)
    jars = os.environ.get("LAKELINE_JARS", str(Path(__file__).parents[2] / ".lakeline" / "jars"))
    around = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
    ours = {
        "LAKELINE_HOME": str(lake_home),
        "LAKELINE_JARS": jars,
        "PYTHONPATH": str(parsed),
        # A new file is seen soon; what is there already is parsed again only when it changes.
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3",
        # A task whose worker was killed is found within a minute, not after five.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
    }
    airflow = Airflow(
        home=folder / "airflow",
        port=free_port(),
        dags=parsed,
        logs=folder / "logs",
        around={**around, **ours, **(more or {})},
        database=database,
    )
    running = Running(
        services(airflow),
        recorded=lambda started: None,
        report=lambda line: None,
        asked=Asked(),
        ready_seconds=300,
        drain_seconds=20,
    )
    rest = None
    try:
        running.begin()
        secret = credentials(airflow)
        rest = Rest(airflow.near, USER, secret.password)
        yield RealAirflow(
            rest=rest,
            airflow=airflow,
            running=running,
            lake_home=lake_home,
            environment=environment(airflow, secret),
        )
    finally:
        if rest is not None:
            rest.close()
        running.end()
        spark_server.stop_all(LakeSettings(lakeline_home=lake_home))
