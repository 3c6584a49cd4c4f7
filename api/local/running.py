"""The platform while it runs: begun in order, looked after, begun again where a part of it died, ended in order."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api.local.errors import ServiceEnded, ServiceSilent
from api.local.processes import Started, end, start
from api.local.service import Service, last_lines
from api.local.signals import Asked, Interrupted

_POLL_SECONDS = 0.2
_AGAIN, _WITHIN_SECONDS = 3, 300.0


@dataclass(slots=True)
class _Program:
    """A service, its process, whether one of its processes has been ready yet, and when they ended by themselves."""

    service: Service
    started: Started
    process: "subprocess.Popen[bytes]"
    was_ready: bool = False
    ended_at: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a service is, as it was just seen."""

    name: str
    is_ready: bool
    restarts: int


def may_begin_again(ended_at: Sequence[float], now: float) -> bool:
    """Whether what ended by itself is worth another start: not where it does so again and again.

    >>> may_begin_again([0.0, 10.0], 10.0), may_begin_again([0.0, 10.0, 20.0, 30.0], 30.0)
    (True, False)
    """
    return sum(now - each < _WITHIN_SECONDS for each in ended_at) <= _AGAIN


class Running:
    """The services of a platform; `recorded` is told of every process before anything else happens."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        recorded: Callable[[tuple[Started, ...]], None],
        report: Callable[[str], None],
        asked: Asked,
        ready_seconds: float,
        drain_seconds: float,
    ) -> None:
        self._services, self._recorded, self._report, self._asked = services, recorded, report, asked
        self._ready_seconds, self._drain_seconds = ready_seconds, drain_seconds
        self._programs: dict[str, _Program] = {}
        self._before: list[Started] = []

    def begin_first(self) -> None:
        """Starts what others need, and does not wait for it."""
        for service in self._services:
            if service.is_first:
                self._begin(service)

    def begin(self) -> None:
        """Starts all services and returns when each is ready."""
        for service in self._services:
            if service.before:
                self._run_before(service)
        self._await()
        for is_later in (False, True):
            for service in self._services:
                if service.name not in self._programs and (service.after is not None) is is_later:
                    self._begin(service)
            self._await()

    def processes(self) -> tuple[Started, ...]:
        """What was started and may still run, by which it is found again."""
        return (*self._before, *(program.started for program in self._programs.values()))

    def pid(self, name: str) -> int:
        """The number of a service's process."""
        return self._programs[name].started.pid

    def heal(self) -> None:
        """Starts again what has ended, once what it needs answers; raises where it has ended too often."""
        for program in list(self._programs.values()):
            code = program.process.poll()
            if code is not None and self._has_what_it_needs(program.service):
                self._begin_again(program, code)

    def states(self) -> tuple[State, ...]:
        """How each service is now."""
        return tuple(
            State(name=name, is_ready=_is_ready(program), restarts=len(program.ended_at))
            for name, program in self._programs.items()
        )

    def end(self) -> None:
        """Ends the services in their order, and returns when nothing of them is left."""
        wait = self._drain_seconds
        end(self.processes(), wait_seconds=wait, is_hastened=lambda: self._asked.is_hastened, report=self._report)
        self.reap()

    def reap(self) -> None:
        """Takes note of the processes that have ended."""
        for program in self._programs.values():
            program.process.wait()

    def _begin(self, service: Service) -> _Program:
        started, process = start(service, service.command)
        program = _Program(service=service, started=started, process=process)
        self._programs[service.name] = program
        self._recorded(self.processes())
        return program

    def _run_before(self, service: Service) -> None:
        self._report(f"preparing {service.name} ...")
        started, process = start(service, service.before)
        self._before.append(started)
        self._recorded(self.processes())
        while process.poll() is None:
            self._heed()
            time.sleep(_POLL_SECONDS)
        self._before.remove(started)
        if process.returncode != 0:
            raise ServiceEnded(service.name, process.returncode, last_lines(service.log))

    def _await(self) -> None:
        began = time.monotonic()
        waiting = [program for program in self._programs.values() if not program.was_ready]
        if waiting:
            self._report(f"waiting for {', '.join(program.service.name for program in waiting)} ...")
        while waiting:
            self._heed()
            for program in list(waiting):
                code = program.process.poll()
                if code is not None:
                    raise ServiceEnded(program.service.name, code, last_lines(program.service.log))
                if _is_ready(program):
                    program.was_ready = True
                    waiting.remove(program)
                    self._report(f"{program.service.name} is ready ({time.monotonic() - began:.0f} s)")
            if waiting and time.monotonic() - began > self._ready_seconds:
                silent = waiting[0].service
                raise ServiceSilent(silent.name, round(self._ready_seconds), last_lines(silent.log))
            if waiting:
                time.sleep(_POLL_SECONDS)

    def _begin_again(self, program: _Program, code: int) -> None:
        service, now = program.service, time.monotonic()
        program.ended_at.append(now)
        told = last_lines(service.log)
        if not may_begin_again(program.ended_at, now):
            raise ServiceEnded(service.name, code, told)
        self._report(f"{service.name} ended with {code} and is started again; its last lines:\n{told}")
        end([program.started], wait_seconds=0, is_hastened=lambda: True, report=self._report)
        self._begin(service).ended_at = program.ended_at

    def _has_what_it_needs(self, service: Service) -> bool:
        needed = self._programs.get(service.after or "")
        return needed is None or _is_ready(needed)

    def _heed(self) -> None:
        if self._asked.times:
            raise Interrupted


def _is_ready(program: _Program) -> bool:
    since = datetime.fromtimestamp(program.started.started_at, UTC)
    return program.process.poll() is None and program.service.is_ready(since)
