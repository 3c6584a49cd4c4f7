"""What all tests share: a lake of their own for each, one Spark server for all."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from lakehouse import spark_server
from lakehouse.settings import LakeSettings

PROJECT = Path(__file__).parent.parent

_SETTINGS = (
    "LAKE_ROOT",
    "LANDING_ROOT",
    "LAKELINE_DEFINITIONS",
    "LAKELINE_MIRROR_STAGES",
    "MLFLOW_TRACKING_URI",
    "PUSHGATEWAY_URL",
)

hypothesis.settings.register_profile("lakeline", deadline=None)  # on a busy machine any example may take long
hypothesis.settings.load_profile("lakeline")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own; no setting of the machine's reaches a test."""
    home = tmp_path / ".lakeline"
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAKELINE_HOME", str(home))
    monkeypatch.setenv("LAKELINE_JARS", os.environ.get("LAKELINE_JARS", str(PROJECT / ".lakeline" / "jars")))
    return home


@pytest.fixture(scope="session")
def spark_remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one Spark server, started by the first test that needs it and stopped after the last."""
    jars = Path(os.environ.get("LAKELINE_JARS", PROJECT / ".lakeline" / "jars"))
    settings = LakeSettings(lakeline_home=tmp_path_factory.mktemp("spark"), lakeline_jars=jars)
    yield spark_server.ensure(settings, lambda line: None)
    spark_server.stop(settings)


@pytest.fixture
def on_spark(spark_remote: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Points the test's lake to the shared server."""
    monkeypatch.setenv("SPARK_REMOTE", spark_remote)
    return spark_remote


class OneSpark(LoadScopeScheduling):
    """Keeps the files that need Spark in one process, for they share one server, and each other file in one as well.

    So it is with the files that need the running Airflow.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return server_of(PROJECT / file) or file


@cache
def server_of(file: Path) -> str | None:
    """The server that the tests of a file share with others; those of the whole story share one lake."""
    text = file.read_text()
    if "real_airflow" in text:
        return "airflow"
    if "mark.spark" not in text:
        return "spark" if file.parent.name == "contract" else None
    return "journey" if file.parent.name == "journey" else "spark"


@pytest.hookimpl(tryfirst=True)  # before those of a mark are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits most begins first: the tests of the running Airflow, of the Spark server, of the whole story."""
    for item in items:
        if item.get_closest_marker("long_on_spark") and item.get_closest_marker("spark"):
            item.add_marker("long")
    order = {"airflow": 0, "spark": 1, "journey": 2, None: 3}
    items.sort(key=lambda item: order[server_of(item.path)])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneSpark | None:
    return OneSpark(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what to do next, before the runner's own last line."""
    if not terminalreporter.stats.get("failed") and not terminalreporter.stats.get("error"):
        terminalreporter.write_line("next: 'make demo' tells the whole story, 'make help' lists what else can be made")
