"""The pages of an MLflow server that show a run and a model's version; a store without a server has none."""

import logging
from urllib.parse import quote

from lakehouse.errors import PlatformError
from registry.settings import RegistrySettings

_log = logging.getLogger("lakeline")


def run_page(settings: RegistrySettings, run_id: str) -> str | None:
    """The page of a run; None where there is no server, or none that tells of it now."""
    from registry import rest

    if not settings.is_server or not run_id:
        return None
    try:
        told = rest.ask(settings, "runs/get", {"run_id": run_id}) or {}
        experiment = told["run"]["info"]["experiment_id"]  # type: ignore[index]
    except PlatformError as error:
        _log.warning("the page of the run in MLflow is not known: %s", error)
        return None
    except (KeyError, TypeError):
        return None
    return f"{settings.address}/#/experiments/{experiment}/runs/{run_id}"


def version_page(settings: RegistrySettings, name: str, version: int) -> str | None:
    """The page of a model's version.

    >>> version_page(RegistrySettings(mlflow_tracking_uri="http://ann:secret@mlflow:5000"), "iris", 3)
    'http://mlflow:5000/#/models/iris/versions/3'
    """
    return f"{settings.address}/#/models/{quote(name, safe='')}/versions/{version}" if settings.is_server else None
