"""Tells a Prometheus Pushgateway since when a question waits for a person, as long as it does."""

from datetime import datetime
from http.client import HTTPException

from observability.errors import PushFailed
from observability.settings import without_password

JOB = "model_review"
_SECONDS = 10.0


def push_pending(address: str, model: str, alias: str, version: int, since: datetime) -> None:
    """Sets `lakeline_review_pending_since_seconds`, in seconds since 1970, for one version before one alias."""
    from prometheus_client import CollectorRegistry, push_to_gateway

    from observability.metrics import set_pending

    registry = CollectorRegistry()
    set_pending(registry, since.timestamp())
    try:
        push_to_gateway(address, JOB, registry, grouping_key=_key(model, alias, version), timeout=_SECONDS)
    except (OSError, HTTPException, ValueError) as error:
        raise PushFailed(without_password(address), str(error) or type(error).__name__) from error


def push_decided(address: str, model: str, alias: str, version: int) -> None:
    """Takes the metric of a question away that waits no longer."""
    from prometheus_client import delete_from_gateway

    try:
        delete_from_gateway(address, JOB, grouping_key=_key(model, alias, version), timeout=_SECONDS)
    except (OSError, HTTPException, ValueError) as error:
        raise PushFailed(without_password(address), str(error) or type(error).__name__) from error


def _key(model: str, alias: str, version: int) -> dict[str, str]:
    return {"model": model, "alias": alias, "version": str(version)}
