"""One server of the iris model for all clients that ask it."""

import shutil
from collections.abc import Iterator

import pytest

from tests.api import served_models as models
from tests.api.running import Running, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that is ready."""
    home = tmp_path_factory.mktemp("asked")
    models.place(home / "models" / "1", models.iris_booster(), models.card())
    (home / "models" / "production").write_text("1")
    with running(home / ".lakeline", home / "models") as started:
        started.wait(lambda told: told["ready"] is True)
        yield started
    shutil.rmtree(home, ignore_errors=True)
