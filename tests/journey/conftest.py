"""The demo, told once for all tests: by the command that a person types, in a folder of its own.

What takes long and needs only the demo's end is begun right after it, beside the tests: its second telling, the commands
that it ends with, every command there is, and the line on a server.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.journey.mlflow_server import Rest, mlflow_server, ready
from tests.journey.workplace import MODEL, PROJECT, Workplace


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a long command left behind, and what it said."""

    place: Workplace
    process: "subprocess.CompletedProcess[str]"

    @property
    def story(self) -> str:
        return self.process.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A copy of the demo's lake on which commands were tried, and what each one answered."""

    place: Workplace
    answers: Mapping[tuple[str, ...], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnServer:
    """A line whose models are on a server of their own, and that server."""

    place: Workplace
    rest: Rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The demo, and what was begun right after it, by the name of the fixture that waits for it."""

    demo: Ended
    rest: Rest
    begun: "Mapping[str, Future[Ended | Tried | OnServer]]"


@pytest.fixture(scope="session")
def beside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, spark_remote: str
) -> Iterator[Beside]:
    """The demo's folder, which nobody changes, with MLflow's server over it; and all that goes on beside the tests."""
    jars = os.environ.get("LAKELINE_JARS", str(PROJECT / ".lakeline" / "jars"))
    settings = {"SPARK_REMOTE": spark_remote, "LAKELINE_JARS": jars, "PYTHONPATH": str(PROJECT)}
    place = Workplace(folder=tmp_path_factory.mktemp("journey"), settings=settings)
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    with ExitStack() as stack:
        empty = stack.enter_context(mlflow_server(tmp_path_factory.mktemp("server"))) if "on_server" in wanted else None
        process = place.lakeline("demo")
        rest = stack.enter_context(mlflow_server(place.home))
        long: dict[str, Callable[[Workplace], Ended | Tried | OnServer]] = {
            "retold": lambda copy: Ended(place=copy, process=copy.lakeline("demo")),
            "gone_on": lambda copy: _gone_on(copy, process.stdout),
            "all_commands": _all_commands,
            "on_server": lambda copy: _on_server(copy, empty),
        }
        pool = stack.enter_context(ThreadPoolExecutor(1))
        begun = {
            name: pool.submit(work, place.copied_to(tmp_path_factory.mktemp(name)))
            for name, work in long.items()
            if name in wanted
        }
        yield Beside(demo=Ended(place=place, process=process), rest=rest, begun=begun)


def _gone_on(place: Workplace, story: str) -> Tried:
    """The commands that the demo ends with, without their comments; those that go on until Ctrl-C are left out."""
    lines = story[story.index("Go on with:") :].splitlines()[1:]
    typed = [tuple(shlex.split(line, comments=True)) for line in lines]
    commands = [words[1:] for words in typed if words[:1] == ("lakeline",) and words[1] not in {"serve", "ui"}]
    answers = {}
    for words in commands:
        done = place.lakeline(*words, typed="y\n")
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        answers[words] = done.stdout
    return Tried(place=place, answers=answers)


def _all_commands(place: Workplace) -> Tried:
    commands: tuple[tuple[str, ...], ...] = (
        ("assets",),
        ("plan",),
        ("land", ".lakeline/demo/flowers_1.csv"),
        ("run", "--force"),
        ("history", "gold.iris_features"),
        ("lineage", f"models.{MODEL}@candidate"),
        ("sql", "from lakeline.lineage"),
        ("models", "--json"),
        ("promote", MODEL, "--to", "staging", "--yes", "--why", "try it"),
        ("predict", "sepal_length=5.1", "sepal_width=3.5", "petal_length=1.4", "petal_width=0.2"),
        ("spark", "status"),
        ("new", "asset", "silver.orders"),
        ("doctor", "--json"),
    )
    return Tried(place=place, answers=dict(zip(commands, place.one_process(*commands), strict=True)))


def _on_server(place: Workplace, server: Rest | None) -> OnServer:
    """The demo's tables without its models; these are made on the server."""
    assert server is not None
    for forgotten in (place.lake / "ops", place.lake / "gold" / "iris_predictions", place.home / "mlartifacts"):
        shutil.rmtree(forgotten)
    (place.home / "mlflow.db").unlink()
    moved = replace(place, settings={**place.settings, "MLFLOW_TRACKING_URI": server.address})
    ready(server)
    moved.one_process(("run",), ("promote", MODEL, "--to", "staging", "--yes"), ("run",))
    return OnServer(place=moved, rest=server)


@pytest.fixture(scope="session")
def journey(beside: Beside) -> Ended:
    """The demo."""
    return beside.demo


@pytest.fixture(scope="session")
def rest(beside: Beside) -> Rest:
    """A real server over the store that the demo filled."""
    return ready(beside.rest)


@pytest.fixture
def retold(beside: Beside) -> Ended:
    """The demo told a second time, on a copy of its own lake."""
    found = beside.begun["retold"].result()
    assert isinstance(found, Ended)
    return found


@pytest.fixture
def gone_on(beside: Beside) -> Tried:
    """What the commands that the demo ends with answered; all of them worked."""
    found = beside.begun["gone_on"].result()
    assert isinstance(found, Tried)
    return found


@pytest.fixture
def all_commands(beside: Beside) -> Tried:
    """What every command answered, in one process that may not ask for Airflow."""
    found = beside.begun["all_commands"].result()
    assert isinstance(found, Tried)
    return found


@pytest.fixture
def on_server(beside: Beside) -> OnServer:
    """A copy of the demo's tables, whose model was trained and reviewed on a server."""
    found = beside.begun["on_server"].result()
    assert isinstance(found, OnServer)
    return found


@pytest.fixture
def place(journey: Ended, tmp_path: Path) -> Workplace:
    """A copy of what the demo left behind, to go on from."""
    return journey.place.copied_to(tmp_path / "place")


@pytest.fixture
def small(tmp_path: Path) -> Workplace:
    """An empty folder with a line of its own, which needs neither Spark nor MLflow."""
    folder = tmp_path / "small"
    folder.mkdir()
    settings = {"LAKELINE_DEFINITIONS": "tests.journey.small_line", "PYTHONPATH": str(PROJECT)}
    return Workplace(folder=folder, settings=settings)
