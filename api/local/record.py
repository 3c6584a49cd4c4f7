"""What `lakeline up` started, kept in a file, so that another terminal can end it, even after a kill."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from api.held import held
from api.local.processes import Started, is_process


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One `lakeline up`: its process, what it started, and the lake whose Spark server it is to stop."""

    pid: int
    since: float
    started: tuple[Started, ...] = ()
    spark_of: str | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)


def read(folder: Path) -> Record | None:
    """What is recorded; None where nothing is, or nothing that can be understood."""
    try:
        told = json.loads(_file(folder).read_text())
        started = tuple(Started(**each) for each in told.pop("started"))
        return Record(started=started, **told)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(folder: Path, record: Record) -> None:
    """Records it, whole or not at all."""
    fresh = _file(folder).with_suffix(f".{os.getpid()}.new")
    fresh.write_text(json.dumps(asdict(record)))
    fresh.replace(_file(folder))


def forget(folder: Path) -> None:
    """Nothing runs any more."""
    _file(folder).unlink(missing_ok=True)


def ours(**told: object) -> Record:
    """The record of this process."""
    return Record(pid=os.getpid(), since=psutil.Process().create_time(), **told)  # type: ignore[arg-type]


def keeper(record: Record) -> int | None:
    """The number of the process that keeps the record; None where it has ended."""
    return record.pid if is_process(record.pid, record.since) else None


def is_held(folder: Path) -> bool:
    """Whether a `lakeline up` runs."""
    if not (folder / "lock").exists():
        return False
    with held(folder) as is_ours:
        return not is_ours


def _file(folder: Path) -> Path:
    return folder / "running.json"
