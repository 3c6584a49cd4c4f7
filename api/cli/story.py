"""The demo: the whole line on real flowers, told while it works, by the commands that a person would type."""

import csv
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from api.cli import line, look, models, runs, show
from api.errors import DemoFailed

MODEL = "iris_xgboost_classifier"
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
BAD_ROWS = (
    ("iris-901", "5.0", "3.4", "-1.5", "0.2", "setosa"),
    ("iris-902", "n/a", "2.9", "4.3", "1.3", "versicolor"),
    ("iris-903", "6.3", "3.3", "6.0", "2.5", "tulip"),
)
KEPT_BACK = "select measurement_id, petal_length, species, failed_checks from quarantine.silver.iris_clean order by all"
_READY_SECONDS = 60.0
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy knows this machine's own server
_COLUMNS = ("measurement_id", "sepal_length", "sepal_width", "petal_length", "petal_width", "species")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What happens, the command that a person would type for it, and the same as a call."""

    words: str
    command: str
    act: Callable[[], None]


def tell() -> None:
    """Runs the story on the lake that the environment names. Told again, it goes on from where the lake is."""
    from lakehouse.settings import LakeSettings

    home = LakeSettings.from_env().home
    is_told_again = (home / "demo").exists()
    first, second = write_flowers(home / "demo")
    if is_told_again:
        show.out.print("The flowers are in this lake already, so little is left to do; 'make clean' starts anew.")
    began = time.monotonic()
    for number, chapter in enumerate((*_up_to_production(first), *_with_more_flowers(second)), 1):
        show.out.print(f"\n[bold]{number}. {chapter.words}[/bold]\n[dim]$ {chapter.command}[/dim]")
        started = time.monotonic()
        chapter.act()
        show.out.print(f"({time.monotonic() - started:.1f} s)", style="dim")
    show.out.print(f"\n[bold]Done in {time.monotonic() - began:.0f} s.[/bold] Go on with:")
    for command in _NEXT:
        show.out.print(f"  {command}", markup=False)


def _up_to_production(flowers: Path) -> tuple[Chapter, ...]:
    return (
        Chapter(
            words="A field team sends 100 flowers.",
            command=f"lakeline land {_short(flowers)}",
            act=lambda: line.land([flowers]),
        ),
        Chapter(words="What does that make stale, and why?", command="lakeline plan", act=line.plan),
        Chapter(
            words="Raw rows become bronze, silver and gold tables and a trained model. Nobody has reviewed the model yet.",
            command="lakeline run",
            act=runs.run,
        ),
        Chapter(
            words="A person reviews the candidate and lets it into staging.",
            command=f"lakeline promote {MODEL} --to staging --yes --why 'looked at the metrics'",
            act=lambda: models.promote(MODEL, to="staging", yes=True, why="looked at the metrics"),
        ),
        Chapter(
            words="Now the batch inference can run: the model version is an input like any table.",
            command="lakeline run",
            act=runs.run,
        ),
        Chapter(
            words="Its predictions are good, so it goes into production.",
            command=f"lakeline promote {MODEL} --to production --yes --why 'looked at the predictions'",
            act=lambda: models.promote(MODEL, to="production", yes=True, why="looked at the predictions"),
        ),
        Chapter(
            words="The API serves what the alias names. It says which data made the answer.",
            command="lakeline serve",
            act=ask_the_api,
        ),
    )


def _with_more_flowers(flowers: Path) -> tuple[Chapter, ...]:
    return (
        Chapter(
            words="Another 50 flowers arrive, with three bad rows among them.",
            command=f"lakeline land {_short(flowers)}",
            act=lambda: line.land([flowers]),
        ),
        Chapter(words="What is stale now?", command="lakeline plan", act=line.plan),
        Chapter(
            words="The bad rows are kept back; the good ones go on, up to a new candidate.",
            command="lakeline run",
            act=runs.run,
        ),
        Chapter(
            words="Here is what was kept back, with the reason.",
            command=f'lakeline sql "{KEPT_BACK}"',
            act=lambda: look.sql(KEPT_BACK),
        ),
        Chapter(
            words="Which data made the model in production, and which the new candidate?",
            command=f"lakeline lineage models.{MODEL}@production; lakeline lineage models.{MODEL}@candidate",
            act=both_lineages,
        ),
    )


_NEXT = (
    "source .lakeline/venv/bin/activate      # puts 'lakeline' on your path",
    'lakeline sql "select * from lakeline.lineage"',
    f"lakeline promote {MODEL} --to staging   # review the new candidate",
    "lakeline serve                          # then open http://127.0.0.1:8001/docs",
    "lakeline ui                             # MLflow's pages over the same models",
    "lakeline new asset silver.orders        # an asset of your own",
    "lakeline spark stop                     # the Spark server goes on running until then",
)


def both_lineages() -> None:
    """The lineage of the model in production and of the candidate."""
    for alias in ("production", "candidate"):
        look.lineage(f"models.{MODEL}@{alias}")


def write_flowers(folder: Path) -> tuple[Path, Path]:
    """Fisher's 150 flowers, as scikit-learn ships them, as two files: 100, and 50 with three bad rows among them."""
    from sklearn.datasets import load_iris

    measured = load_iris()
    flowers = [
        (f"iris-{number:03}", *(f"{value:.1f}" for value in values), str(measured.target_names[kind]))
        for number, (values, kind) in enumerate(zip(measured.data, measured.target, strict=True), 1)
    ]
    later = [flower for number, flower in enumerate(flowers) if number % 3 == 2]
    earlier = [flower for number, flower in enumerate(flowers) if number % 3 != 2]
    later[10:10], later[25:25], later[40:40] = BAD_ROWS[:1], BAD_ROWS[1:2], BAD_ROWS[2:]
    folder.mkdir(parents=True, exist_ok=True)
    return _written(folder / "flowers_1.csv", earlier), _written(folder / "flowers_2.csv", later)


def ask_the_api() -> None:
    """Starts the API on a free port, asks it about one flower over HTTP, and stops it."""
    from lakehouse.lake import Lake
    from registry.models import Models

    named = Models.from_env(Lake.from_env()).alias(MODEL, "production")
    with serving(named.version if named else None) as address:
        request = urllib.request.Request(
            f"{address}/predict", json.dumps(FLOWER).encode(), {"Content-Type": "application/json"}
        )
        with _DIRECTLY.open(request, timeout=10) as answer:
            asked = f"curl -i {address}/predict -H 'content-type: application/json' -d '{json.dumps(FLOWER)}'"
            show.out.print(f"$ {asked}", style="dim", markup=False)
            told: Mapping[str, str] = dict(answer.headers.items())
            for name, value in told.items():
                if name.lower().startswith("x-model"):
                    show.out.print(f"{name}: {value}", markup=False)
            show.out.print(answer.read().decode(), markup=False)


@contextmanager
def serving(version: int | None) -> Iterator[str]:
    """The address of an API that serves this version, for as long as it is needed."""
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            told = process.stdout.readline() if process.stdout else ""
            address = told.removeprefix("serving at ").strip()
            _wait_until_ready(address, version, process, log)
            yield address
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _wait_until_ready(address: str, version: int | None, process: "subprocess.Popen[str]", log: TextIO) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    reason = "it did not answer"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log.seek(0)
            raise DemoFailed("the API", log.read().strip() or f"it ended with code {process.returncode}")
        try:
            with _DIRECTLY.open(f"{address}/readyz", timeout=2) as answer:
                # Right after its start it serves what it served last, until the alias was asked.
                told = json.loads(answer.read())
                if told["version"] == version:
                    return
                reason = f"it serves version {told['version']}, and production is version {version}"
        except urllib.error.HTTPError as error:
            reason = error.read().decode()
        except OSError as error:
            reason = str(error)
        time.sleep(0.1)
    raise DemoFailed("the API", f"it was not ready within {_READY_SECONDS:.0f} s: {reason}")


def _written(path: Path, flowers: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *flowers])
    return path


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
