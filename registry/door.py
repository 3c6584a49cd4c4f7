"""The door to MLflow: a quiet import, a client, and every error of its own put into our words."""

import logging
import os
import sqlite3
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import AccessRefused, RegistryRefused, RegistryUnreachable
from registry.settings import RegistrySettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    # A server on S3 hands out addresses of its own store, which may not be reachable from here.
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_BUSY = (
    "database is locked",
    "could not connect",
    "connection refused",
    "server closed the connection",
    "max retries exceeded",
)
_POINTING = threading.RLock()  # the store of MLflow's own functions is one for all threads
_MISSING = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})


def import_quietly() -> None:
    """Imports MLflow so that it sends nothing home and writes nothing to the terminal but errors."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401  # its loggers exist only once it is imported

    for noisy in ("mlflow", "alembic", "git"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # Before it raises an error of its database it logs it with its stack; here the error is told in words.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def opened(settings: RegistrySettings) -> "MlflowClient":
    """A client of the store; the first use of a fresh database makes its tables."""
    from registry.rest import check_server

    check_server(settings)
    import_quietly()
    from mlflow import MlflowClient

    if settings.database is not None:
        _make_folder(settings, settings.database.parent)
    return MlflowClient(tracking_uri=settings.tracking_uri, registry_uri=settings.tracking_uri)


def _make_folder(settings: RegistrySettings, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RegistryRefused(settings.address, "get a folder for its database", str(error)) from error


@contextmanager
def told(settings: RegistrySettings, what: str) -> Iterator[None]:
    """Errors of MLflow, its database and its server, as ours; `what` ends the sentence "MLflow did not"."""
    import_quietly()
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", UserWarning)
            yield
    except (requests.RequestException, ConnectionError, TimeoutError) as error:
        raise RegistryUnreachable(settings.address, _first_line(error)) from error
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = _first_line(error)
        if any(word in str(error).lower() for word in _BUSY):
            raise RegistryUnreachable(settings.address, reason) from error
        status = error.get_http_status_code() if isinstance(error, MlflowException) else 0  # type: ignore[no-untyped-call]
        if status in {401, 403}:
            raise AccessRefused(settings.address, reason) from error
        if isinstance(error, MlflowException) and error.error_code in {
            "TEMPORARILY_UNAVAILABLE",
            "REQUEST_LIMIT_EXCEEDED",
        }:
            raise RegistryUnreachable(settings.address, reason) from error
        raise RegistryRefused(settings.address, what, reason) from error


@contextmanager
def is_missing() -> Iterator[list[str]]:
    """Swallows MLflow's "there is no such thing"; the list then holds what it said."""
    from mlflow.exceptions import MlflowException

    said: list[str] = []
    try:
        yield said
    except MlflowException as error:
        if error.error_code not in _MISSING and not (
            error.error_code == "INVALID_PARAMETER_VALUE" and "not found" in str(error)
        ):
            raise
        said.append(_first_line(error))


@contextmanager
def tracking(settings: RegistrySettings) -> Iterator[None]:
    """Points MLflow's own functions to the store, for one thread at a time, and leaves the process as it was."""
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    with _POINTING:
        before = os.environ.get("MLFLOW_TRACKING_URI")
        try:
            with _use_tracking_uri(settings.tracking_uri):
                yield
        finally:
            # MLflow writes its address into the environment, where the next reader of the settings would find it.
            if before is None:
                os.environ.pop("MLFLOW_TRACKING_URI", None)
            else:
                os.environ["MLFLOW_TRACKING_URI"] = before


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
