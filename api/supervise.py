"""Keeping processes running until a signal: what dies is started again, and no one outlives the supervisor."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.05
_HEALTHY_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 15.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A process that is to run; of two, the one with the smaller `ends` is ended first.

    `ended` is called each time it has ended, before it is started again.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ends: int = 0
    ended: Callable[[], None] = lambda: None


@dataclass(slots=True)
class _Child:
    role: Role
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    deaths: int = 0
    due_at: float = 0.0


@dataclass(slots=True)
class _Asked:
    signals: list[int] = field(default_factory=list)

    def heed(self, number: int, frame: FrameType | None) -> None:
        self.signals.append(number)


def deaths_after(deaths: int, lived_seconds: float) -> int:
    """How often in a row a process has died soon after its start."""
    return 1 if lived_seconds >= _HEALTHY_SECONDS else deaths + 1


def pause_seconds(deaths: int) -> float:
    """How long to wait before the next start: not at all after one death, then longer each time."""
    return 0.0 if deaths <= 1 else min(0.5 * 2 ** min(deaths - 2, 10), _LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Runs processes, which inherit `inherited` and the reading end of a pipe that this process holds open."""

    def __init__(self, roles: Sequence[Role], *, inherited: Sequence[int], end_seconds: float) -> None:
        self._children = [_Child(role) for role in roles]
        self._inherited, self._end_seconds = tuple(inherited), end_seconds

    def run(self) -> None:
        """Until the first signal all of them run; then they end, in order, and at once at the second one."""
        with _heeding() as asked:
            while not asked.signals:
                self._keep()
                time.sleep(_LOOK_SECONDS)
            for wave in sorted({child.role.ends for child in self._children}):
                self._end([child for child in self._children if child.role.ends == wave], asked)

    def _keep(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, now)
            if child.process is None and child.due_at <= now:
                self._start(child)

    def _start(self, child: _Child) -> None:
        child.started_at = time.monotonic()
        try:
            # In a group of its own: a Ctrl-C at the terminal reaches the supervisor alone, which passes it on.
            child.process = subprocess.Popen(
                child.role.command,
                env=dict(child.role.environment),
                stdin=subprocess.DEVNULL,
                pass_fds=self._inherited,
                process_group=0,
            )
        except OSError as error:
            self._count(child, child.started_at)
            _log.error("%s cannot be started: %s", child.role.name, error)

    def _bury(self, child: _Child, now: float) -> None:
        code = child.process and child.process.returncode
        child.process = None
        child.role.ended()
        self._count(child, now)
        pause = child.due_at - now
        when = f"in {pause:.1f} seconds" if pause else "at once"
        _log.warning("%s ended with %s; it is started again %s", child.role.name, code, when)

    def _count(self, child: _Child, now: float) -> None:
        child.deaths = deaths_after(child.deaths, now - child.started_at)
        child.due_at = now + pause_seconds(child.deaths)

    def _end(self, children: Sequence[_Child], asked: _Asked) -> None:
        running = [child for child in children if child.process is not None]
        deadline = time.monotonic() + self._end_seconds
        sent = 0
        while running := [child for child in running if child.process is not None and child.process.poll() is None]:
            for number in asked.signals[sent:]:
                # A first SIGTERM asks for an end in order; anything else, or more, for one at once.
                _pass_on(running, number if sent == 0 and number == signal.SIGTERM else signal.SIGINT)
                sent += 1
            if time.monotonic() >= deadline or sent > 2:
                _log.error("killed: %s", ", ".join(child.role.name for child in running))
                _pass_on(running, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS)
        for child in children:
            child.role.ended()


def _pass_on(children: Sequence[_Child], number: int) -> None:
    for child in children:
        with suppress(ProcessLookupError):
            if child.process is not None:
                os.kill(child.process.pid, number)


@contextmanager
def _heeding() -> Iterator[_Asked]:
    asked = _Asked()
    before = [(number, signal.signal(number, asked.heed)) for number in _SIGNALS]
    try:
        yield asked
    finally:
        for number, handler in before:
            signal.signal(number, handler)
