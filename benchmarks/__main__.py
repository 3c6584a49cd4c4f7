"""`python -m benchmarks`: measures every claim, prints one line for each, and keeps `benchmarks/results.json`."""

import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from benchmarks import airflow_parse, airflow_runs, duck_line, line, log, plan, spark_overhead

HERE = Path(__file__).parent
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


def main() -> None:
    jars = Path(os.environ.get("LAKELINE_JARS", HERE.parent / ".lakeline" / "jars"))
    found = []
    with tempfile.TemporaryDirectory(prefix="lakeline-bench-") as folder:
        place = Path(folder)
        measured = (
            plan.claims(),
            duck_line.claims(place),
            line.claims(place, jars),
            log.claims(place / "log"),
            spark_overhead.claims(place, jars),
            airflow_parse.claims(place / "parse"),
            airflow_runs.claims(place / "airflow"),
        )
        for claim in chain.from_iterable(measured):
            print(f"measured {claim.name}", file=sys.stderr, flush=True)
            found.append(claim)
    told = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "make bench",
        "machine": {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()},
        "versions": {name: version(name) for name in PACKAGES},
        "claims": [asdict(claim) | {"state": "ok" if claim.is_kept else "short"} for claim in found],
    }
    (HERE / "results.json").write_text(json.dumps(told, indent=2) + "\n")
    for claim in found:
        print(claim)


if __name__ == "__main__":
    main()
