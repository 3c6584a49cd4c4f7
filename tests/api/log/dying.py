"""Processes of the log that kill themselves, as a machine's memory or a person would, at the moment they were told of.

`python -m tests.api.log.dying flush MOMENT`, `python -m tests.api.log.dying record COUNT [PAUSE]`, `full BYTES`, or
`drop FOLDER SLOT`.
"""

import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from api.log.backlog import Backlog, Taken
from api.log.flush import Flusher
from api.log.settings import LogSettings
from api.log.spool import Spool
from lakehouse.engine import Transaction
from lakehouse.lake import Lake
from observability.metrics import Now, shared_metrics
from tests.api.log.answers import answered

NOW = Now(workers=1, registry_answers=True, canary_share=0.0, models=frozenset())


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingLake:
    """A lake whose writer dies before or after a commit."""

    def __init__(self, lake: Lake, moment: str) -> None:
        self._lake, self._moment = lake, moment

    def last_transaction(self, key: str, application: str) -> int:
        return self._lake.last_transaction(key, application)

    def append_once(self, key: str, rows: object, *, metadata: str, transaction: Transaction) -> int:
        if self._moment == "before the commit":
            die()
        version = self._lake.append_once(key, rows, metadata=metadata, transaction=transaction)  # type: ignore[arg-type]
        if self._moment == "after the commit":
            die()
        return version


class DyingBacklog(Backlog):
    """A spool whose flusher dies when the first of several committed segments is gone."""

    def remove(self, segments: Sequence[Taken]) -> None:
        if len(segments) > 1:
            super().remove(segments[:1])
            die()
        super().remove(segments)


def flush(moment: str) -> None:
    settings = LogSettings.from_env()
    backlog = DyingBacklog(settings.folder) if moment == "amid the removal" else None
    Flusher(DyingLake(Lake.from_env(), moment), settings, backlog).flush()


def record(first: int, count: int, pause_seconds: float) -> None:
    """Says each number as soon as it is recorded, and dies."""
    spool = Spool(LogSettings.from_env())
    spool.start()
    for number in range(first, first + count):
        spool.record(answered(number))
        print(number, time.monotonic(), flush=True)
        time.sleep(pause_seconds)
    die()


def full(limit_bytes: int) -> None:
    """Records on a disk that takes so many bytes of a file; says how many rows it dropped."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    spool = Spool(LogSettings.from_env())
    spool.start()
    for number in range(10):
        spool.record(answered(number))
        time.sleep(0.15)
    spool.stop()
    print(spool.dropped)


def drop(folder: Path, slot: int) -> None:
    """Records more than there is room for, says how many rows were dropped, and dies; counts as a worker does."""
    metrics = shared_metrics(folder, slot, lambda: NOW)
    spool = Spool(LogSettings.from_env(), metrics.spool)
    for number in range(500):
        spool.record(answered(number))
    print(spool.dropped, flush=True)
    die()


if __name__ == "__main__":
    if sys.argv[1] == "flush":
        flush(sys.argv[2])
    elif sys.argv[1] == "record":
        record(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    elif sys.argv[1] == "drop":
        drop(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        full(int(sys.argv[2]))
