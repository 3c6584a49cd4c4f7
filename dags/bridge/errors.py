"""What Airflow is told of an error: whether another try may help."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from lakehouse.errors import PlatformError, Transient


def refusal(error: PlatformError) -> AirflowException:
    """The error as Airflow's own: it tries a task again only where that may help."""
    kind = AirflowException if isinstance(error, Transient) else AirflowFailException
    return kind(str(error))


@contextmanager
def worded() -> Iterator[None]:
    """Errors of the platform become Airflow's."""
    try:
        yield
    except PlatformError as error:
        raise refusal(error) from error
