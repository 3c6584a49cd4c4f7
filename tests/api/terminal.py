"""The program `lakeline`, as a person runs it: in a folder, with its output and exit code."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LAKELINE = str(Path(sys.executable).parent / "lakeline")

ORDERS = '''
from assets import asset, external, rows, unique

landed = external("landing.order_files", files="orders/*.csv", columns=("id", "amount"))


@asset("bronze.orders_raw", inputs={"arrivals": "landing.order_files"}, write="append", engine="duckdb")
def orders_raw(arrivals):
    """One row per line of a landed file."""
    return arrivals


@asset(
    "silver.orders",
    inputs={"raw": "bronze.orders_raw"},
    checks=[rows("amount > 0", otherwise="quarantine"), unique("id", otherwise="fail")],
    engine="duckdb",
)
def orders(raw):
    """One row per order."""
    return raw.project("id, try_cast(amount AS DOUBLE) AS amount")
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)


def lakeline(*arguments: str, folder: Path, answer: str = "", **environment: str) -> Said:
    """Runs the program; `answer` is what a person types."""
    done = subprocess.run(
        [LAKELINE, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        input=answer,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)
