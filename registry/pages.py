"""The pages of an MLflow server that show a run and a model's version; a store that no server shows has none."""

import logging
from urllib.parse import quote

from lakehouse.errors import PlatformError
from registry.settings import RegistrySettings

_log = logging.getLogger("lakeline")


def run_page(settings: RegistrySettings, run_id: str) -> str | None:
    """The page of a run; None where there is no server, or none that tells of it now."""
    from registry import rest

    server = _server(settings)
    if server is None or not run_id:
        return None
    try:
        told = rest.ask(server, "runs/get", {"run_id": run_id}) or {}
        experiment = told["run"]["info"]["experiment_id"]  # type: ignore[index]
    except PlatformError as error:
        _log.warning("the page of the run in MLflow is not known: %s", error)
        return None
    except (KeyError, TypeError):
        return None
    return f"{server.address}/#/experiments/{experiment}/runs/{run_id}"


def version_page(settings: RegistrySettings, name: str, version: int) -> str | None:
    """The page of a model's version.

    >>> version_page(RegistrySettings(mlflow_tracking_uri="http://ann:secret@mlflow:5000"), "iris", 3)
    'http://mlflow:5000/#/models/iris/versions/3'
    """
    server = _server(settings)
    return f"{server.address}/#/models/{quote(name, safe='')}/versions/{version}" if server else None


def _server(settings: RegistrySettings) -> RegistrySettings | None:
    """The server that shows what the store holds: the one that is said to, or the store itself."""
    pages = settings.lakeline_mlflow_pages
    shown = settings.model_copy(update={"mlflow_tracking_uri": pages}) if pages else settings
    return shown if shown.is_server else None
