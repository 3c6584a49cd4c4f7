"""MLflow's own pages over the lake's tracking store."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.errors import BadSetting
from registry.settings import RegistrySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to start, and what to add to its environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    address: str


def ui_command(settings: RegistrySettings, port: int = 5000) -> Command:
    """Starts MLflow's pages for this machine alone; a server that already runs has pages of its own."""
    if settings.is_server:
        raise BadSetting("MLFLOW_TRACKING_URI", settings.address, "that server has these pages; open it in a browser")
    arguments = (
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", settings.tracking_uri),
        *("--artifacts-destination", settings.artifacts.as_uri()),
    )
    environment = {
        # Without the runner of background jobs a server takes a sixth of the memory.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": settings.tracking_uri,
    }
    return Command(arguments=arguments, environment=environment, address=f"http://127.0.0.1:{port}")
