"""The metric of a question that waits for a person, as far as there is a Pushgateway; a question never fails of it."""

import logging
from datetime import datetime

from lakehouse.errors import PlatformError
from observability.pending import push_decided, push_pending
from observability.settings import ObservabilitySettings

_log = logging.getLogger("lakeline")


def waits(model: str, alias: str, version: int, since: datetime) -> None:
    """Tells since when it is waited for an answer whether a version may have an alias."""
    try:
        gateway = ObservabilitySettings.from_env().gateway
        if gateway is not None:
            push_pending(gateway, model, alias, version, since)
    except PlatformError as error:
        _log.warning("that the question waits was not pushed: %s", error)


def waits_no_longer(model: str, alias: str, version: int) -> None:
    """Takes away what tells of the waiting."""
    try:
        gateway = ObservabilitySettings.from_env().gateway
        if gateway is not None:
            push_decided(gateway, model, alias, version)
    except PlatformError as error:
        _log.warning("that the question waits no longer was not pushed: %s", error)
