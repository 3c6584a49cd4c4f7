"""A folder in which a person types `lakeline`, each command a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LAKELINE = Path(sys.executable).with_name("lakeline")
MODEL = "iris_xgboost_classifier"
_OURS = ("LAKELINE_", "LAKE_ROOT", "LANDING_ROOT", "MLFLOW_", "SPARK_", "AWS_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """The folder, and what its environment says beyond that of a machine without settings."""

    folder: Path
    settings: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.folder / ".lakeline"

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def environment(self) -> dict[str, str]:
        machine = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return machine | dict(self.settings)

    def lakeline(self, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """What a command answers; `typed` is what the person says when asked."""
        return self.python(str(LAKELINE), *arguments, typed=typed)

    def python(self, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """What a Python program answers here."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def told(self, *arguments: str) -> str:
        """What a command answers that has to work."""
        done = self.lakeline(*arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def json(self, *arguments: str) -> object:
        """What a reading command answers, as a program sees it."""
        return json.loads(self.told(*arguments, "--json"))

    def one_process(self, *commands: tuple[str, ...]) -> list[str]:
        """What each command answers, all in one process; all have to work."""
        done = self.python("-m", "tests.journey.one_process", json.dumps(commands))
        assert done.returncode == 0, (done.stdout, done.stderr)
        answers = json.loads(done.stdout)
        assert isinstance(answers, list)
        return answers

    def states(self) -> dict[str, str]:
        """The state of each asset, as `lakeline plan` tells it."""
        return {step["key"]: step["state"] for step in rows(self.json("plan"))}

    def copied_to(self, folder: Path) -> "Workplace":
        """The same lake and the same models in another folder; MLflow's artifacts stay where they are."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return replace(self, folder=folder)

    def facts(self) -> dict[str, tuple[int, int]]:
        """Size and time of every file below the folder."""
        return {
            str(path.relative_to(self.folder)): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def rows(answer: object) -> list[dict[str, object]]:
    """An answer in JSON that is a list of objects."""
    assert isinstance(answer, list)
    return answer
