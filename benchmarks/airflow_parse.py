"""How long Airflow's parser takes for the file of DAGs, over the import of Airflow's own library."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.claim import Claim

_SHIPPED_SECONDS, _MANY_SECONDS, _ONE_SECONDS = 1.0, 5.0, 0.1
_TIMES = 5

MANY = '''\
"""Two hundred lines of five tables, each made by a job."""

from assets import Materialize, asset, job

for line in range(200):
    for place in range(5):
        read = {"rows": f"silver.table_{line}_{place - 1}"} if place else {}

        def made(**frames: object) -> object:
            return frames

        globals()[f"table_{line}_{place}"] = asset(f"silver.table_{line}_{place}", inputs=read, engine="duckdb", code="1")(made)
    keys = ", ".join(f"silver.table_{line}_{place}" for place in range(5))
    globals()[f"job_{line}"] = job(f"line_{line}", steps=[Materialize(keys)])
'''

_WHOLE = """\
import time
import airflow.sdk
began = time.perf_counter()
import dags.platform_dags as parsed
print(time.perf_counter() - began)
"""
_AGAIN = """\
import importlib, time
import airflow.sdk
from dags.bridge.parse import dags
dags(only="line_0")
began = time.perf_counter()
dags(only="line_7")
print(time.perf_counter() - began)
"""


def claims(folder: Path) -> Iterator[Claim]:
    """The shipped file; two hundred DAGs; and one of them alone, as a task reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "many.py").write_text(MANY)
    many = {"LAKELINE_DEFINITIONS": "many", "PYTHONPATH": str(folder)}
    shipped = _median(_WHOLE, folder, {})
    yield Claim(name="airflow-parse-shipped", measured=shipped, target=_SHIPPED_SECONDS, unit="s")
    yield Claim(name="airflow-parse-200-dags", measured=_median(_WHOLE, folder, many), target=_MANY_SECONDS, unit="s")
    yield Claim(name="airflow-parse-own-dag", measured=_median(_AGAIN, folder, many), target=_ONE_SECONDS, unit="s")


def _median(program: str, folder: Path, settings: Mapping[str, str]) -> float:
    environment = {
        **os.environ,
        **settings,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "LAKELINE_HOME": str(folder / "home"),
    }
    told = [
        subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(_TIMES)
    ]
    return statistics.median(float(each.splitlines()[-1]) for each in told)
