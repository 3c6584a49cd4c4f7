"""Bringing a model here in another process, so that the server never loads what talks to the registry."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from api.errors import FetchFailed, FetchUnwanted
from api.served import CARD, Target

_COMMAND = (sys.executable, "-m", "registry.fetch")


class ChildFetch:
    """Fetches a version of one model by `python -m registry.fetch NAME VERSION FOLDER`; `stop` ends a running one."""

    def __init__(self, name: str, *, timeout_seconds: float, command: Sequence[str] = _COMMAND) -> None:
        self._name, self._timeout_seconds, self._command = name, timeout_seconds, tuple(command)
        self._stopped = threading.Event()

    def __call__(self, target: Target, folder: Path, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Fills a folder with a version; raises `FetchFailed` with the reason that the child gave.

        A version that is wanted no more ends the child, and `FetchUnwanted` is raised.
        """
        said = folder / ".said"
        try:
            with said.open("wb") as output:
                # In a session of its own: a Ctrl-C meant for the server is passed on by the server.
                child = subprocess.Popen(
                    [*self._command, self._name, str(target.version), str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        except OSError as error:
            raise FetchFailed(self._name, target.version, str(error)) from error
        self._wait(child, target, is_wanted)
        reason = _last_line(said)
        said.unlink(missing_ok=True)
        if child.returncode != 0:
            raise FetchFailed(self._name, target.version, reason or f"the child ended with {child.returncode}")
        if not (folder / CARD).is_file():
            raise FetchFailed(self._name, target.version, f"the child wrote no {CARD}")

    def stop(self) -> None:
        """Ends the child that is running, if one is, and lets none begin."""
        self._stopped.set()

    def _wait(self, child: "subprocess.Popen[bytes]", target: Target, is_wanted: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._timeout_seconds
        while child.poll() is None:
            if not self._stopped.wait(0.05) and time.monotonic() < deadline and is_wanted():
                continue
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if not self._stopped.is_set() and time.monotonic() < deadline:
                raise FetchUnwanted(self._name, target.version, "the alias names another version by now")
            told = "the server stops" if self._stopped.is_set() else f"no end after {self._timeout_seconds:g} seconds"
            raise FetchFailed(self._name, target.version, told)


def _last_line(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:500] if lines else ""
