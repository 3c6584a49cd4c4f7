"""The settings of the local Airflow for a shell, so that `airflow` commands see the one that runs."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

_NAMES = (
    "AIRFLOW",
    "AWS_",
    "LAKELINE_",
    "LAKE_ROOT",
    "LANDING_ROOT",
    "MLFLOW_",
    "NO_PROXY",
    "no_proxy",
    "OPENLINEAGE_",
    "PUSHGATEWAY_URL",
    "SPARK_",
)


def write(file: Path, environment: Mapping[str, str]) -> None:
    """Writes a file for `.` that this user alone may read, as it holds secrets."""
    told = {name: value for name, value in sorted(environment.items()) if name.startswith(_NAMES)}
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in told.items())
