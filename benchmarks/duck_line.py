"""Three tables on the DuckDB engine, from an empty folder and a process that is not started yet."""

import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.claim import Claim
from benchmarks.timing import once

_COLD_SECONDS = 3.0
_TIMES = 5

DEFINITIONS = '''\
"""Measures of three machines: as they came, cleaned, and summed up."""

import duckdb
import pyarrow as pa

from assets import asset, rows


@asset("bronze.measures", engine="duckdb")
def measures() -> pa.Table:
    """A thousand measures."""
    numbers = range(1000)
    return pa.table({"machine": [n % 3 for n in numbers], "value": [float(n % 17 - 1) for n in numbers]})


@asset("silver.clean", inputs={"raw": "bronze.measures"}, checks=[rows("value >= 0", otherwise="quarantine")], engine="duckdb")
def clean(raw: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The measures that can be."""
    return raw.project("machine, value")


@asset("gold.sums", inputs={"clean": "silver.clean"}, engine="duckdb")
def sums(clean: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """One row per machine."""
    return clean.aggregate("machine, sum(value) AS total", "machine")
'''


def claims(folder: Path) -> Iterator[Claim]:
    """Measures a first run: each in a home of its own, so that nothing is there but the definitions."""
    (folder / "measures.py").write_text(DEFINITIONS)
    environment = {"LAKELINE_DEFINITIONS": "measures"}
    times = [
        once(("run",), folder, {**environment, "LAKELINE_HOME": str(folder / f"home-{place}")})
        for place in range(_TIMES)
    ]
    middle = statistics.median(times)
    yield Claim(name="duckdb-line-cold", measured=middle, target=_COLD_SECONDS, unit="s", parts={"first": times[0]})
