"""What the platform is made of, and what of it this environment lets be started."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.local import airflow
from api.local.airflow import Airflow
from api.local.asking import answers
from api.local.errors import AirflowMissing, UnknownPart
from api.local.ports import Wanted, holder
from api.local.service import Service
from api.local.settings import UpSettings
from api.local.spark import LakeSpark
from lakehouse import spark_server
from lakehouse.errors import BadSetting, PlatformError
from lakehouse.settings import LakeSettings
from registry.settings import RegistrySettings
from registry.ui import ui_command

PARTS = ("airflow", "mlflow", "spark", "api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What is to be started, where it will answer, and what is not started for which reason."""

    services: tuple[Service, ...] = ()
    ports: tuple[Wanted, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    airflow: Airflow | None = None
    spark: LakeSpark | None = None


def chosen(only: str | None) -> tuple[str, ...]:
    """The parts that are asked for; all without a word.

    >>> chosen("spark, airflow"), chosen(None)
    (('airflow', 'spark'), ('airflow', 'mlflow', 'spark', 'api'))
    """
    if only is None:
        return PARTS
    named = [word.strip() for word in only.split(",")]
    for word in named:
        if word not in PARTS:
            raise UnknownPart(word, PARTS)
    return tuple(part for part in PARTS if part in named)


def platform(parts: Sequence[str], settings: UpSettings, around: Mapping[str, str], *, is_explicit: bool) -> Platform:
    """The platform of some parts. What cannot be started is an error where it was asked for by name, else a note."""
    here = {**around, "LAKELINE_HOME": str(settings.home.absolute())}
    makers = {"mlflow": _mlflow, "spark": _spark, "airflow": _airflow, "api": _api}
    found: list[Platform] = []
    notes: list[str] = []
    for name, make in makers.items():
        if name in parts:
            try:
                found.append(make(settings, here))
                if name == "mlflow":
                    here.setdefault("LAKELINE_MLFLOW_PAGES", found[-1].addresses["MLflow"])
            except AirflowMissing:
                raise
            except PlatformError as error:
                if is_explicit:
                    raise
                notes.append(f"{name} is not started: {error}")
    return Platform(
        services=tuple(service for each in found for service in each.services),
        ports=tuple(port for each in found for port in each.ports),
        addresses={name: address for each in found for name, address in each.addresses.items()},
        notes=tuple(notes),
        airflow=next((each.airflow for each in found if each.airflow), None),
        spark=next((each.spark for each in found if each.spark), None),
    )


def spark_to_stop(parts: Sequence[str]) -> str | None:
    """The lake whose Spark server is to end with the platform: one that came since, whoever started it.

    A server that ran before the platform was started outlives it; a server elsewhere is not touched.
    """
    lake = LakeSettings.from_env()
    may_come = lake.spark_remote is None and ("spark" in parts or "airflow" in parts)
    return lake.root.uri if may_come and spark_server.find(lake) is None else None


def _airflow(settings: UpSettings, around: Mapping[str, str]) -> Platform:
    airflow.require_installed()
    port = settings.airflow_port
    described = Airflow(
        home=settings.airflow_home, port=port, dags=airflow.shipped_dags(), logs=settings.folder, around=around
    )
    wanted = Wanted(service="Airflow", port=port, setting=settings.airflow_port_setting)
    return Platform(
        services=airflow.services(described),
        ports=(wanted,),
        addresses={"Airflow": described.address},
        airflow=described,
    )


def _mlflow(settings: UpSettings, around: Mapping[str, str]) -> Platform:
    """MLflow's server over the very store that runs, promotions and the API open themselves: there is one truth."""
    port = settings.up_mlflow_port
    command = ui_command(RegistrySettings.from_env(), port)
    service = Service(
        name="MLflow",
        command=command.arguments,
        environment={**around, **command.environment},
        log=settings.folder / "mlflow.log",
        is_ready=lambda since: answers(f"{command.address}/api/2.0/mlflow/experiments/search?max_results=1"),
        ends=1,
        is_first=True,
    )
    wanted = Wanted(service="MLflow", port=port, setting="LAKELINE_UP_MLFLOW_PORT")
    return Platform(services=(service,), ports=(wanted,), addresses={"MLflow": command.address})


def _spark(settings: UpSettings, around: Mapping[str, str]) -> Platform:
    lake = LakeSettings.from_env()
    if lake.spark_remote is not None:
        shown = lake.spark_remote.split(";")[0]
        raise BadSetting("SPARK_REMOTE", shown, "that server is used, and no other is started")
    spark = LakeSpark(lake, settings.up_spark_port)
    wanted = Wanted(service="Spark", port=settings.up_spark_port, setting="LAKELINE_UP_SPARK_PORT")
    return Platform(ports=() if spark.ran_before else (wanted,), spark=spark)


def _api(settings: UpSettings, around: Mapping[str, str]) -> Platform:
    from api.door.settings import DoorSettings
    from api.production import serving_settings

    served, door = serving_settings(None), DoorSettings.from_env()
    if served.serve_port == 0:
        raise BadSetting("LAKELINE_SERVE_PORT", "0", "wanted a port that others can be told")
    address = f"{'https' if door.is_tls else 'http'}://{served.serve_host}:{served.serve_port}"
    service = Service(
        name="the API",
        command=(sys.executable, "-P", "-m", "api.cli.main", "serve"),
        environment={**around, "LAKELINE_SERVE_MODEL": served.serve_model},
        log=Path(settings.folder / "api.log"),
        # Over TLS it answers those who know its certificate, and perhaps only those who have one themselves.
        is_ready=lambda since: holder(served.serve_port) is not None if door.is_tls else answers(f"{address}/livez"),
        ends=0,
    )
    wanted = Wanted(service="the API", port=served.serve_port, setting="LAKELINE_SERVE_PORT")
    return Platform(services=(service,), ports=(wanted,), addresses={"API": address})
