"""What Airflow is told of an error: whether another try may help."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from lakehouse.errors import PlatformError, Transient

_log = logging.getLogger("lakeline")


def refusal(error: PlatformError) -> AirflowException:
    """The error as Airflow's own: it tries a task again only where that may help."""
    kind = AirflowException if isinstance(error, Transient) else AirflowFailException
    return kind(str(error))


@contextmanager
def worded() -> Iterator[None]:
    """Errors of the platform become Airflow's, and a line in the task's log: Airflow's own line leaves the reason out."""
    try:
        yield
    except PlatformError as error:
        _log.error("%s", error)
        raise refusal(error) from error
