"""The iris line in a folder of its own: the demo cold and warm, and each everyday command on the lake that it made."""

import os
import re
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.claim import Claim
from benchmarks.timing import LAKELINE, median, once
from lakehouse import spark_server
from lakehouse.settings import LakeSettings

AT_ONCE = {
    "help": ("--help",),
    "assets": ("assets",),
    "plan": ("plan",),
    "history": ("history", "gold.iris_features"),
    "lineage": ("lineage", "gold.iris_features"),
    "models": ("models",),
    "spark-status": ("spark", "status"),
}
_AT_ONCE_SECONDS = 0.5
_NOTHING_TO_DO_SECONDS = 2.0
_DEMO_SECONDS = 120.0
_LINE_SECONDS = 20.0
_FRESH_LAKES = 3


def claims(folder: Path, jars: Path) -> Iterator[Claim]:
    """Measures the line from an empty folder; Spark is stopped at the end."""
    environment = {"LAKELINE_HOME": str(folder / ".lakeline"), "LAKELINE_JARS": str(jars)}
    try:
        for state in ("cold", "warm"):
            parts = demo(folder, environment)
            yield Claim(name=f"demo-{state}", measured=parts["whole"], target=_DEMO_SECONDS, unit="s", parts=parts)
        yield _on_warm_spark(folder, jars)
        quiet = median(("run",), folder, environment)
        yield Claim(name="run-with-nothing-new", measured=quiet, target=_NOTHING_TO_DO_SECONDS, unit="s")
        for name, arguments in AT_ONCE.items():
            seconds = median(arguments, folder, environment)
            yield Claim(name=f"cli-{name}", measured=seconds, target=_AT_ONCE_SECONDS, unit="s")
        yield _cold_against_warm(folder, environment)
    finally:
        once(("spark", "stop", "--all"), folder, environment)


def _on_warm_spark(folder: Path, jars: Path) -> Claim:
    """The first run of the line in lakes that are empty, on a server that has worked before."""
    remote = spark_server.ensure(
        LakeSettings(lakeline_home=folder / ".lakeline", lakeline_jars=jars), lambda line: None
    )
    flowers = folder / ".lakeline" / "demo" / "flowers_1.csv"
    seconds = []
    for place in range(_FRESH_LAKES):
        environment = {"LAKELINE_HOME": str(folder / f"fresh-{place}"), "SPARK_REMOTE": remote}
        seconds.append(once(("land", str(flowers)), folder, environment) + once(("run",), folder, environment))
    return Claim(name="iris-line-warm-spark", measured=statistics.median(seconds), target=_LINE_SECONDS, unit="s")


def _cold_against_warm(folder: Path, environment: Mapping[str, str]) -> Claim:
    """The same forced run of one table: with a server to start, and with one that runs."""
    forced = ("run", "gold.iris_features", "--force")
    once(("spark", "stop"), folder, environment)
    cold = once(forced, folder, environment)
    warm = median(forced, folder, environment, times=3)
    return Claim(name="warm-spark-speed-up", measured=cold / warm, target=2.0, unit="x", more_is_better=True)


def demo(folder: Path, environment: Mapping[str, str]) -> Mapping[str, float]:
    """The seconds of each chapter of the demo, told by the demo itself, and of all of it as `whole`."""
    started = time.monotonic()
    told = subprocess.run(
        [LAKELINE, "demo"], cwd=folder, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    found = {"whole": time.monotonic() - started}
    title = ""
    for line in told.splitlines():
        if re.match(r"\d+\. ", line):
            title = line
        elif ended := re.fullmatch(r"\((\d+\.\d) s\)", line):
            found[title] = float(ended[1])
    return found
