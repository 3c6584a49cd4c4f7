"""Servers in processes of their own, on one core of this machine, and what they take."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

STATE = Path(__file__).resolve().parent.parent / ".lakeline"
SERVER_CORE = 0
_START_SECONDS = 300.0
_END_SECONDS = 20.0
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A server to start; it is there as soon as `ready` answers 200."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    ready: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A server that runs, and the seconds from its start to its first ready answer."""

    process: "subprocess.Popen[bytes]"
    seconds: float

    def processes(self) -> tuple[psutil.Process, ...]:
        """The process that was started and all below it."""
        try:
            whole = psutil.Process(self.process.pid)
            return (whole, *whole.children(recursive=True))
        except psutil.NoSuchProcess:
            return ()


def on_core(core: int) -> tuple[str, ...]:
    """The words before a command that keep it on one core; none where this machine has no such program."""
    there = shutil.which("taskset")
    return (there, "-c", str(core)) if there and (os.cpu_count() or 1) > core else ()


def leave_the_servers_core() -> None:
    """Keeps this process, which moves aliases and reads answers, from the core that servers are measured on."""
    if on_core(SERVER_CORE) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(range(os.cpu_count() or 1)) - {SERVER_CORE})


@contextmanager
def started(command: Command) -> Iterator[Started]:
    """A server on the server's core, in a session of its own, which is ended whole."""
    command.folder.mkdir(parents=True, exist_ok=True)
    log = command.folder / f"{command.name}.log"
    with log.open("ab") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            [*on_core(SERVER_CORE), *command.words],
            cwd=command.folder,
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(command, process, log, began)
        yield Started(process=process, seconds=time.monotonic() - began)
    finally:
        _end(process)


def worker_of(server: Started, before: Mapping[int, float], *, is_below: bool = False) -> psutil.Process:
    """The process that answered: the one whose use of the processor grew most since `before`.

    With `is_below` it is looked for below the process that was started, which only starts others.
    """
    found = server.processes()[1 if is_below else 0 :]
    return max(found, key=lambda each: _processor_seconds(each) - before.get(each.pid, 0.0))


def processor_seconds(server: Started) -> Mapping[int, float]:
    """What each process of a server has used of the processor, by process id."""
    return {each.pid: _processor_seconds(each) for each in server.processes()}


def resident_megabytes(process: psutil.Process) -> float:
    """The memory that a process holds, with what it shares with others."""
    return float(process.memory_info().rss / _MEGABYTE)


def _processor_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _wait(command: Command, process: "subprocess.Popen[bytes]", log: Path, began: float) -> None:
    while time.monotonic() - began < _START_SECONDS:
        with suppress(OSError), urllib.request.urlopen(command.ready, timeout=5) as answer:
            if answer.status == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    said = log.read_text(errors="replace")[-3000:]
    sys.exit(f"error: {command.name} did not get ready at {command.ready}:\n{said}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
