"""`python -m benchmarks`: measures every claim, prints one line for each, and keeps `benchmarks/results.json`.

With names of modules, as `python -m benchmarks plan airflow_parse`, it measures theirs and keeps the others as they were.
`soak --minutes 10` is measured only where it is named.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import airflow_parse, airflow_runs, duck_line, line, log, plan, serving, soak, spark_overhead
from benchmarks.claim import Claim

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PACKAGES = (
    "pyspark",
    "delta-spark",
    "deltalake",
    "duckdb",
    "mlflow",
    "xgboost",
    "pydantic",
    "rich",
    "typer",
    "apache-airflow",
)


def main(names: Sequence[str], minutes: float) -> None:
    jars = Path(os.environ.get("LAKELINE_JARS", HERE.parent / ".lakeline" / "jars"))
    found = []
    with tempfile.TemporaryDirectory(prefix="lakeline-bench-") as folder:
        place = Path(folder)
        measures: dict[str, Callable[[], Iterator[Claim]]] = {
            "plan": plan.claims,
            "duck_line": lambda: duck_line.claims(place),
            "line": lambda: line.claims(place, jars),
            "log": lambda: log.claims(place / "log"),
            "spark_overhead": lambda: spark_overhead.claims(place, jars),
            "serving": lambda: serving.claims(place / "serving"),
            "airflow_parse": lambda: airflow_parse.claims(place / "parse"),
            "airflow_runs": lambda: airflow_runs.claims(place / "airflow"),
        }
        alone = {"soak": lambda: soak.claims(place / "soak", minutes)}
        for name in names or measures:
            for claim in (measures | alone)[name]():
                print(f"measured {claim.name}", file=sys.stderr, flush=True)
                found.append(claim)
    kept = {claim["name"]: claim for claim in json.loads(RESULTS.read_text())["claims"]} if names else {}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    told = {
        "command": "make bench",
        "machine": {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()},
        "versions": {name: version(name) for name in PACKAGES},
        "claims": list((kept | {claim.name: _plain(claim, now) for claim in found}).values()),
    }
    RESULTS.write_text(json.dumps(told, indent=2) + "\n")
    for claim in found:
        print(claim)


def _plain(claim: Claim, at: str) -> dict[str, object]:
    return asdict(claim) | {"state": "ok" if claim.is_kept else "short", "at": at}


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures every claim, or the named ones.")
    asked.add_argument("names", nargs="*", help="modules of benchmarks, as serving")
    asked.add_argument("--minutes", type=float, default=10.0, help="how long a soak lasts")
    given = asked.parse_args()
    main(given.names, given.minutes)
