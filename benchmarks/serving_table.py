"""The last result of the servers side by side, as a page."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from benchmarks.claim import Claim
from benchmarks.serving_load import Load

_PAGE = """\
# Benchmarks

`make bench` measures every claim, prints one line for each and keeps them in [results.json](results.json);
`python -m benchmarks serving` measures serving alone and writes this page. `python -m benchmarks soak --minutes 10` lets a
server run while aliases move, workers are killed and MLflow is started anew.

## Serving

One XGBoost model of 300 trees on the iris rows, served from one MLflow store. Every server runs on one core with one
thread for XGBoost, the client bombardier on another; connections are kept alive, one row is asked at a time. All servers
run at once and are asked by turns, {rounds} rounds long; a row shows the round with the median rate, the ratio is the
median of each round's own. CPU ms is what all processes of a server took of the processor for one request at c=32, which a
busy machine disturbs least. The peers are installed from [peers/requirements.txt](peers/requirements.txt) into an
environment of their own. MLServer runs without batching and with it in three ways, that is with 1 ms and 10 ms to wait for
32 requests, and with a worker process beside it; the way that was fastest is the one that ours is compared with.

Measured at {at} on {machine}; {busy:.1f} programs wanted a core when it began, so that
{busyness}.

{versions}

{table}

{claims}

`serve-arrow` counts whole answers for 100,000 rows: the model alone takes most of an Arrow answer, and more than half of a
JSON one (`model-seconds` beside it in [results.json](results.json)), so that the ratio cannot come to 20 with 300 trees.
`serve-memory` is of a worker that answered single rows; one that took batches of 100,000 keeps more (`worker-megabytes-after`).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One server: alone with a client, with many at once, and how many times MLflow's requests it answered."""

    name: str
    alone: Load
    many: Load
    ratio: float
    milliseconds: float
    worker_megabytes: float
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What one run found of all servers; `busy` is the machine's load average before it began."""

    at: datetime
    busy: float
    versions: Mapping[str, str]
    rows: Sequence[Row]
    rounds: int

    def text(self) -> str:
        """The servers, a line for each."""
        head = (
            "| server | c=1 req/s | p50 ms | p99 ms | c=32 req/s | p50 ms | p99 ms | CPU ms | worker MiB | failed | ratio |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        )
        return "\n".join((*head, *map(_line, self.rows)))

    def page(self, claims: Sequence[Claim]) -> str:
        """The whole of `benchmarks/README.md`."""
        is_quiet = self.busy < 1
        return _PAGE.format(
            at=self.at.isoformat(sep=" ", timespec="minutes"),
            machine=f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
            busy=self.busy,
            busyness="it was quiet"
            if is_quiet
            else "the ratios tell more than the rates, and neither is the last word",
            rounds=self.rounds,
            versions=", ".join(f"{name} {version}" for name, version in self.versions.items()),
            table=self.text(),
            claims=_claims(claims),
        )


def _line(row: Row) -> str:
    figures = (
        *(f"{row.alone.per_second:.0f}", f"{row.alone.p50:.2f}", f"{row.alone.p99:.2f}"),
        *(f"{row.many.per_second:.0f}", f"{row.many.p50:.2f}", f"{row.many.p99:.2f}"),
        f"{row.milliseconds:.2f}",
        *(f"{row.worker_megabytes:.0f}", str(row.failed), f"{row.ratio:.1f}x"),
    )
    return f"| {row.name} | {' | '.join(figures)} |"


def _claims(claims: Sequence[Claim]) -> str:
    lines = ["| claim | measured | wanted | |", "|---|--:|--:|---|"]
    for claim in claims:
        sign = ">=" if claim.more_is_better else "<="
        measured = "unmeasured" if claim.missing else f"{claim.measured:.2f} {claim.unit}"
        state = "ok" if claim.is_kept else "short"
        told = f"{state}: {claim.missing}" if claim.missing else state
        lines.append(f"| {claim.name} | {measured.strip()} | {sign} {claim.target:g} {claim.unit} | {told} |")
    return "\n".join(lines)
