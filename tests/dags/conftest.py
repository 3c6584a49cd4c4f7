"""What the tests of the bridge share: one real Airflow for each database."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.dags.postgresql import postgresql
from tests.dags.running_airflow import RealAirflow, real_airflow_on


@pytest.fixture(scope="package", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def real_airflow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    """A running Airflow; a test that needs one database alone names it:

    `@pytest.mark.parametrize("real_airflow", ["sqlite"], indirect=True)`.
    """
    with (
        postgresql() if request.param == "postgresql" else nullcontext() as database,
        real_airflow_on(tmp_path_factory.mktemp(request.param), database=database) as running,
    ):
        yield running
