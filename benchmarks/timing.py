"""How long a command takes, as a person at a terminal waits for it."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LAKELINE = str(Path(sys.executable).parent / "lakeline")


def once(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """Seconds of one run of the program `lakeline`; what it printed is shown where it fails."""
    started = time.monotonic()
    done = subprocess.run(
        [LAKELINE, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode != 0:
        sys.exit(f"lakeline {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


def median(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], times: int = 7) -> float:
    """The median of several runs, after one that is not counted."""
    once(arguments, folder, environment)
    return statistics.median(once(arguments, folder, environment) for _ in range(times))
