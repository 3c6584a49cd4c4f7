"""What `lakeline doctor` looks at: everything that a run needs, each told with what was found."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

from assets.catalog import load
from assets.errors import VersionsLost
from assets.tending import lost_to_models
from lakehouse import jars, java, spark_server
from lakehouse.errors import PlatformError, SparkUnreachable, StoreUnreachable
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from registry.errors import RegistryRefused
from registry.models import Models
from registry.rest import check_server

PACKAGES = ("pyspark", "delta-spark", "deltalake", "duckdb", "mlflow", "xgboost", "apache-airflow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    is_ok: bool
    found: str


def examine() -> tuple[Finding, ...]:
    """Looks at everything; nothing is started and nothing stays changed."""
    settings = LakeSettings.from_env()
    lake = Lake(settings)
    looks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("environment", _environment),
        ("definitions", lambda: f"{len(load().assets)} assets, a valid graph"),
        ("Java", lambda: _java(settings)),
        ("Spark's jars", lambda: _jars(settings)),
        ("Spark server", lambda: _spark(settings)),
        ("lake", lambda: _lake(lake)),
        ("landing folder", lambda: f"{settings.landing}, {_writable(settings.landing)}"),
        ("MLflow", lambda: _mlflow(lake)),
        ("stamps and MLflow", lambda: _agreement(lake)),
        ("versions that models need", lambda: _needed(lake)),
    )
    return tuple(_finding(what, look) for what, look in looks)


def _finding(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what=what, is_ok=True, found=look())
    except PlatformError as error:
        return Finding(what=what, is_ok=False, found=str(error))


def _environment() -> str:
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {_version(name)}" for name in PACKAGES)])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _java(settings: LakeSettings) -> str:
    if settings.spark_remote is not None:
        return "not needed, as SPARK_REMOTE names a server"
    found = java.find()
    return f"Java {found.major} from {found.origin}"


def _jars(settings: LakeSettings) -> str:
    if settings.spark_remote is not None:
        return "not needed, as SPARK_REMOTE names a server"
    paths = jars.paths(settings)
    missing = sum(not path.is_file() for path in paths)
    if missing:
        return f"{missing} of {len(paths)} are not in {settings.jars} yet; the first start of Spark downloads them"
    return f"{len(paths)} jars in {settings.jars}"


def _spark(settings: LakeSettings) -> str:
    if settings.spark_remote is not None:
        host, port = spark_server.address_of(settings.spark_remote)
        if not spark_server.answers(port, host):
            raise SparkUnreachable(settings.spark_remote.split(";")[0], "nothing listens there")
        return f"{host}:{port} answers"
    found = spark_server.find(settings)
    return f"process {found.pid} on 127.0.0.1:{found.port}" if found else "none runs; the next run starts one"


def _lake(lake: Lake) -> str:
    found = dict(lake.histories())
    broken = [error for error in found.values() if isinstance(error, PlatformError)]
    if broken:
        raise broken[0]
    where = lake.settings.root
    told = "reachable" if where.is_s3 else _writable(Path(where.uri))
    commits = sum(len(history) for history in found.values() if not isinstance(history, PlatformError))
    return f"{where}, {len(found)} tables with {commits} readable commits, {told}"


def _writable(folder: Path) -> str:
    """Tries it, in the nearest folder that exists: permissions alone do not tell of a full or read-only disk."""
    place = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    trial = place / f".lakeline-{uuid4().hex}"
    try:
        trial.write_bytes(b"x")
        trial.unlink()
    except OSError as error:
        raise StoreUnreachable(str(folder), f"it cannot be written to: {error.strerror}") from error
    return "writable"


def _mlflow(lake: Lake) -> str:
    models = Models.from_env(lake)
    settings = models.settings
    if settings.database is not None and not settings.database.exists():
        return f"{settings.address}; its database is made by the first training"
    check_server(settings)  # where no model is known yet, nothing else would ask it
    held = {name: models.aliases_in_mlflow(name) for name in models.names()}
    told = [f"{name} {alias} v{number}" for name, aliases in held.items() for alias, number in sorted(aliases.items())]
    return f"{settings.address}: {', '.join(told) or 'no model has an alias'}"


def _agreement(lake: Lake) -> str:
    models = Models.from_env(lake)
    found = models.agreement()
    if found.differences:
        raise RegistryRefused(models.settings.address, "say what the stamps say", "; ".join(found.differences))
    return f"the same of {found.versions} model versions"


def _needed(lake: Lake) -> str:
    needed, lost = lost_to_models(lake, Models.from_env(lake), load())
    if lost:
        raise VersionsLost(lost)
    return f"{needed} versions of tables, all of their files are there" if needed else "none"
