"""Airflow's four programs on one machine, started with the settings that such an Airflow needs."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from api.local import shell
from api.local.asking import ask
from api.local.credentials import USER, Credentials, kept
from api.local.errors import AirflowMissing
from api.local.ports import HOST
from api.local.processes import LAST
from api.local.service import Service

_NAMES = ("api-server", "scheduler", "dag-processor", "triggerer")
_NO_PROXY = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Airflow:
    """An Airflow on this machine: where it keeps its state, what it parses, and where it answers.

    `around` is the environment it is started in. What that says of Airflow by Airflow's own names counts more than the rest,
    but for `AIRFLOW_HOME`. Without a `database` it is SQLite in the home folder.
    """

    home: Path
    port: int
    dags: Path
    logs: Path
    around: Mapping[str, str] = field(repr=False)
    database: str | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        given = self.around.get("AIRFLOW__API__BASE_URL", f"http://{HOST}:{self.port}")
        return given.rstrip("/")

    @property
    def near(self) -> str:
        """Where this machine finds it, whatever stands before it for others."""
        return f"http://{HOST}:{self.port}{urlsplit(self.address).path}"

    @property
    def for_shells(self) -> Path:
        """What a shell reads, so that `airflow` commands see this Airflow."""
        return self.home / "environment.sh"


def shipped_dags() -> Path:
    """The folder with the file that makes DAGs of all jobs."""
    spec = find_spec("dags")
    assert spec is not None and spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


def require_installed() -> None:
    """Raises where this environment has no Airflow."""
    try:
        version("apache-airflow")
    except PackageNotFoundError as error:
        raise AirflowMissing(sys.executable) from error


def credentials(airflow: Airflow) -> Credentials:
    """Its secrets and the password of its first user, made where there are none yet."""
    return kept(airflow.home)


def is_ours_to_enter(airflow: Airflow) -> bool:
    """Whether our user may enter it, or somebody else says who may."""
    manager = "AIRFLOW__CORE__AUTH_MANAGER", "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_"
    return not any(name.startswith(manager) for name in airflow.around)


def environment(airflow: Airflow, secret: Credentials) -> dict[str, str]:
    """The environment of its programs, and of any `airflow` command that is to see the same."""
    database = airflow.database or f"sqlite:///{airflow.home / 'airflow.db'}"
    ours = {
        "AIRFLOW__API__BASE_URL": airflow.address,
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(airflow.port),
        "AIRFLOW__API__SECRET_KEY": secret.api_secret,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secret.jwt_secret,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(airflow.dags),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{airflow.near}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": secret.fernet_key,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(secret.passwords_file),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        # Airflow 3.3.2 fails a task that is queued again while the process of its last try still lingers.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }
    around = airflow.around
    kept_out = {name for name in ours if any(f"{name}{end}" in around for end in ("_CMD", "_SECRET"))}
    proxies = ",".join(dict.fromkeys([*filter(None, around.get("NO_PROXY", "").split(",")), *_NO_PROXY]))
    chosen = {name: value for name, value in ours.items() if name not in kept_out and not around.get(name)}
    return {**around, "AIRFLOW_HOME": str(airflow.home), "NO_PROXY": proxies, "no_proxy": proxies, **chosen}


def services(airflow: Airflow) -> tuple[Service, ...]:
    """Its four programs. The API server ends last, as running tasks report to it; the log servers are not started."""
    around = environment(airflow, credentials(airflow))
    shell.write(airflow.for_shells, around)
    probes: Mapping[str, Callable[[datetime], bool]] = {
        "api-server": partial(_answers, airflow.near),
        **{name: partial(_beats, airflow.near, name.replace("-", "_")) for name in _NAMES[1:]},
    }
    return tuple(
        Service(
            name=f"Airflow's {name}",
            command=command(name, *(["--skip-serve-logs"] if name in {"scheduler", "triggerer"} else [])),
            environment=around,
            log=airflow.logs / f"airflow-{name}.log",
            is_ready=probes[name],
            ends=LAST if name == "api-server" else 0,
            before=command("db", "migrate") if name == "api-server" else (),
            # A task that is begun before the API server answers has failed.
            after=None if name == "api-server" else "Airflow's api-server",
        )
        for name in _NAMES
    )


def command(*words: str) -> tuple[str, ...]:
    """An `airflow` command of this environment, whatever the working folder holds."""
    return (sys.executable, "-P", "-m", "airflow", *words)


def _answers(address: str, since: datetime) -> bool:
    return ask(f"{address}/api/v2/monitor/health") is not None


def _beats(address: str, name: str, since: datetime) -> bool:
    """Whether the heart has beaten since the process was started: it counts as healthy long after a kill."""
    told = (ask(f"{address}/api/v2/monitor/health") or {}).get(name)
    beat = told.get(f"latest_{name}_heartbeat") if isinstance(told, dict) else None
    if not isinstance(beat, str):
        return False
    return datetime.fromisoformat(beat) > since - timedelta(seconds=1)
