"""A command that is killed as a power cut would kill it: at a moment, or as soon as something appears in the lake."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from tests.journey.workplace import LAKELINE, Workplace

PATIENCE_SECONDS = 240
_MEASURED = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode;"
    " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: its exit code, or the signal that killed it, negative, and what it said."""

    code: int
    out: str
    err: str

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Command:
    """A command that runs."""

    def __init__(self, place: Workplace, arguments: tuple[str, ...], within: tuple[str, ...] = ()) -> None:
        self._out, self._err = _file(), _file()
        self._process = subprocess.Popen(
            [*within, sys.executable, *arguments],
            cwd=place.folder,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )
        self._ended: Ended | None = None
        self._was_done = False

    def kill_after(self, seconds: float) -> Ended:
        """How it ended; by `kill -9` after a while, if it still ran."""
        return self.kill_when(lambda: False, patience_seconds=seconds)

    def kill_when(self, seen: Callable[[], bool], patience_seconds: float = PATIENCE_SECONDS) -> Ended:
        """How it ended; by `kill -9` as soon as something is seen, if it still ran."""
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline and not seen() and self._ended is None:
            self._ended = self._poll(os.WNOHANG)
            time.sleep(0.0005)
        if self._ended is None:
            os.kill(self._process.pid, signal.SIGKILL)
        return self.wait()

    def do_when(self, seen: Callable[[], bool], do: Callable[[], object]) -> Ended:
        """How it ended, after something was done as soon as something was seen; which has to be while it runs."""
        ended = self.do_unless_ended(seen, do)
        assert self._was_done, f"it ended before that was seen: {ended}"
        return ended

    def do_unless_ended(self, seen: Callable[[], bool], do: Callable[[], object]) -> Ended:
        """How it ended; as soon as something is seen, something is done, if it still runs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self._ended is None and not self._was_done:
            if seen():
                do()
                self._was_done = True
            self._ended = self._poll(os.WNOHANG)
            time.sleep(0.0005)
        return self.wait()

    def wait(self) -> Ended:
        """How it ended."""
        if self._ended is None:
            self._ended = self._poll(0)
        assert self._ended is not None
        return self._ended

    def _poll(self, options: int) -> Ended | None:
        if self._process.returncode is not None:
            return self._ended
        pid, status = os.waitpid(self._process.pid, options)
        if not pid:
            return None
        self._process.returncode = os.waitstatus_to_exitcode(status)
        told = [_read(file) for file in (self._out, self._err)]
        return Ended(code=self._process.returncode, out=told[0], err=told[1])


def lakeline(place: Workplace, *arguments: str) -> Command:
    """Starts `lakeline`."""
    return Command(place, (str(LAKELINE), *arguments))


def finished(place: Workplace, *arguments: str) -> Ended:
    """What a command that has to work says."""
    ended = lakeline(place, *arguments).wait()
    assert ended.code == 0, (arguments, ended)
    return ended


def finished_with_peak(place: Workplace, *arguments: str) -> tuple[Ended, int]:
    """What a command that has to work says, and its largest memory in bytes.

    The command is the only child of a small process, for a child's memory counts from that of its parent.
    """
    ended = Command(place, ("-c", _MEASURED, sys.executable, str(LAKELINE), *arguments)).wait()
    assert ended.code == 0, (arguments, ended)
    return ended, int(ended.out.splitlines()[-1]) * 1024


def appears(folder: Path, pattern: str) -> Callable[[], bool]:
    """Whether a folder holds more files of a pattern than it holds now."""
    before = len(list(folder.glob(pattern)))
    return lambda: len(list(folder.glob(pattern))) > before


def _file() -> IO[bytes]:
    return TemporaryFile()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
