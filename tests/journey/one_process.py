"""Several commands in one process, where importing MLflow and Spark for each would take most of a test's time.

`python -m tests.journey.one_process [["plan"], ...]` ends at the first that fails, or that asked for Airflow.
"""

import contextlib
import io
import json
import sys
from collections.abc import Sequence

from api.cli import main


class Watch:
    """Sees every import that asks for Airflow, and finds none."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "airflow" or name.startswith("airflow."):
            self.asked.append(name)


def outputs(commands: Sequence[Sequence[str]]) -> list[str]:
    """What each command wrote to its output."""
    watch = Watch()
    sys.meta_path.insert(0, watch)
    found = []
    for words in commands:
        sys.argv = ["lakeline", *words]
        with contextlib.redirect_stdout(io.StringIO()) as output:
            try:
                main.run()
            except SystemExit as ended:
                assert not ended.code, f"{words} ended with {ended.code}: {output.getvalue()}"
        assert not watch.asked, f"{words} asked for {watch.asked}"
        assert not [name for name in sys.modules if name.split(".")[0] == "airflow"], f"{words} loaded Airflow"
        found.append(output.getvalue())
    return found


if __name__ == "__main__":
    told = outputs(json.loads(sys.argv[1]))
    print(json.dumps(told))
