"""A program of the local platform as a value: how it is started, how it is known to be ready, when it is ended."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program that runs until it is asked to end.

    `before` is run to its end first. `is_ready` is asked with the time at which the process was started, so that it is not
    taken in by what an earlier one left. Services end in the order of `ends`; the next begin once those before have ended.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    is_ready: Callable[[datetime], bool] = field(repr=False)
    ends: int
    before: tuple[str, ...] = ()
    is_first: bool = False  # what the others need, so that they are started when it is ready
    after: str | None = None  # the service that must answer before this one is started


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log, for people."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return f"(no log at {log})"
    return "\n".join((*lines[-count:], f"(all of it: {log})"))


def put_aside(log: Path) -> None:
    """Keeps the log of the last time, and none of before."""
    with suppress(FileNotFoundError):
        log.replace(log.with_name(f"{log.name}.1"))
