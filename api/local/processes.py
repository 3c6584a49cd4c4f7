"""Processes that were started here, known again after the one that started them is gone.

Each leads a session of its own: a Ctrl-C at the terminal does not reach it, and whatever it starts is found by the session.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from api.local.service import Service

LAST = 2
"""When what all others report to is ended."""

_POLL_SECONDS = 0.1
_CLOCK_SECONDS = 5.0
"""How far the time of a start may seem to move when the clock is set anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process that was started; `started_at` is the time at which it was created."""

    name: str
    pid: int
    started_at: float
    ends: int
    log: str


def start(service: Service, command: Sequence[str]) -> "tuple[Started, subprocess.Popen[bytes]]":
    """Starts a command of a service; its words go to the service's log, after those that are there."""
    service.log.parent.mkdir(parents=True, exist_ok=True)
    with service.log.open("ab") as log:
        process = subprocess.Popen(
            command,
            env=dict(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started_at = psutil.Process(process.pid).create_time()
    told = Started(name=service.name, pid=process.pid, started_at=started_at, ends=service.ends, log=str(service.log))
    return told, process


def lives(started: Started) -> bool:
    """Whether the process itself runs; one that ended, and whose end nobody noticed yet, does not."""
    return is_process(started.pid, started.started_at)


def is_process(pid: int, since: float) -> bool:
    """Whether a number is still that of the process that was created then."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - since) < _CLOCK_SECONDS
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
    return False


def family(started: Started) -> list[psutil.Process]:
    """The process and all that it started and that still runs, even where it has itself ended."""
    with suppress(psutil.Error):
        if abs(psutil.Process(started.pid).create_time() - started.started_at) >= _CLOCK_SECONDS:
            return []  # the number was given to another since, which it can only be once the whole session has ended
    return [process for process in psutil.process_iter() if _session(process.pid) == started.pid and _runs(process)]


def end(
    left: Iterable[Started],
    *,
    wait_seconds: float,
    is_hastened: Callable[[], bool],
    report: Callable[[str], None],
    between: Callable[[], None] = lambda: None,
) -> None:
    """Ends processes in their order: each is asked, and what has not ended in time is killed with all that it started.

    `between` is called before the last of them are asked.
    """
    every = tuple(left)
    waves = sorted({each.ends for each in every} | {LAST})
    for wave in waves:
        if wave == LAST:
            between()
        members = [each for each in every if each.ends == wave]
        for each in members:
            _ask(each)
        if not _ended(members, 2.0, is_hastened):
            report(f"waiting for {', '.join(each.name for each in members if lives(each))} to end in order ...")
            _ended(members, wait_seconds, is_hastened)
        for each in members:
            _kill(each)


def _ask(started: Started) -> None:
    if lives(started):
        with suppress(ProcessLookupError):
            os.kill(started.pid, signal.SIGTERM)


def _kill(started: Started) -> None:
    deadline = time.monotonic() + 10.0
    while (left := family(started)) and time.monotonic() < deadline:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(_POLL_SECONDS)


def _ended(members: Sequence[Started], seconds: float, is_hastened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while any(lives(each) for each in members):
        if is_hastened() or time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
