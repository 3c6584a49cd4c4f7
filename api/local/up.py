"""The platform from its start to its end, in the process that a person looks at."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from api.local import parts, ports, record
from api.local.airflow import credentials, is_ours_to_enter
from api.local.desk import Desk
from api.local.down import end_left
from api.local.errors import ServiceEnded
from api.local.parts import Platform
from api.local.record import Record
from api.local.running import Running, State, may_begin_again
from api.local.service import put_aside
from api.local.settings import UpSettings
from api.local.signals import Asked, Interrupted, at_once, heeding
from api.local.spark import LakeSpark
from assets.settings import WatchSettings

RECONCILER = "lakeline_reconciler"
_LOOK_SECONDS, _STATUS_SECONDS, _WAKE_SECONDS = 0.5, 5.0, 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Whom the platform tells what: lines while it works, its addresses once all is ready, then how it is, again and again."""

    report: Callable[[str], None]
    opened: Callable[[Platform], None]
    status: Callable[[str], None]


def up(only: str | None, told: Told) -> Record | None:
    """Runs the platform until a signal ends it; another one that runs is answered, and nothing is started."""
    settings = UpSettings.from_env()
    chosen = parts.chosen(only)
    if "airflow" in chosen:
        WatchSettings.from_env()  # Airflow itself would tell of a wrong one only as a file that it cannot parse
    with record.held(settings.folder) as is_ours:
        if not is_ours:
            return record.read(settings.folder) or record.ours()
        with heeding() as asked:
            left = record.read(settings.folder)
            if left is not None:
                told.report("a platform was left without an end; what still runs of it is ended first ...")
                end_left(left, settings, asked, told.report)
            platform = parts.platform(chosen, settings, os.environ, is_explicit=only is not None)
            ports.check(platform.ports)
            for note in platform.notes:
                told.report(note)
            _run(platform, chosen, settings, asked, told)
    return None


def status_line(states: Iterable[State], more: Iterable[str]) -> str:
    """How the platform is, in one line: what does not answer and what was started again by name.

    >>> status_line([State(name="MLflow", is_ready=True, restarts=1)], ["2 runs under way"])
    'all ready; MLflow restarted 1x; 2 runs under way'
    """
    seen = tuple(states)
    silent = [each.name for each in seen if not each.is_ready]
    again = [f"{each.name} restarted {each.restarts}x" for each in seen if each.restarts]
    first = f"no answer from {', '.join(silent)}" if silent else "all ready"
    return "; ".join(filter(None, (first, *again, *more)))


def _run(platform: Platform, chosen: tuple[str, ...], settings: UpSettings, asked: Asked, told: Told) -> None:
    spark = _SparkWatch(platform.spark, told.report) if platform.spark else None
    mine = record.ours(spark_of=parts.spark_to_stop(chosen), addresses=dict(platform.addresses))
    record.write(settings.folder, mine)
    for service in platform.services:
        put_aside(service.log)
    running = Running(
        platform.services,
        recorded=lambda started: record.write(settings.folder, replace(mine, started=started)),
        report=told.report,
        asked=asked,
        ready_seconds=settings.up_ready_seconds,
        drain_seconds=settings.up_drain_seconds,
    )
    try:
        running.begin_first()
        if spark is not None:
            with at_once(asked):
                spark.begin()
        running.begin()
        told.opened(platform)
        _watch(running, spark, platform, asked, told)
    except Interrupted:
        pass
    finally:
        told.status("ending what runs; once more ends it at once ...")
        asked.times = max(1, asked.times)
        end_left(replace(mine, started=running.processes()), settings, asked, told.report)
        running.reap()


def _watch(running: Running, spark: "_SparkWatch | None", platform: Platform, asked: Asked, told: Told) -> None:
    """Looks at everything again and again until the end is asked for."""
    desk = _desk(platform)
    wake_until = time.monotonic() + _WAKE_SECONDS if desk else 0.0
    told_at = 0.0
    while not asked.times:
        running.heal()
        if spark is not None:
            spark.heal()
        if time.monotonic() - told_at > _STATUS_SECONDS:
            if desk is not None and time.monotonic() < wake_until and desk.wake(RECONCILER):
                wake_until = 0.0
            states = [*running.states(), *([spark.state()] if spark else [])]
            told.status(status_line(states, [desk.told()] if desk else []))
            told_at = time.monotonic()
        time.sleep(_LOOK_SECONDS)


def _desk(platform: Platform) -> Desk | None:
    if platform.airflow is None or not is_ours_to_enter(platform.airflow):
        return None
    return Desk(platform.airflow.near, credentials(platform.airflow).password)


class _SparkWatch:
    """The lake's Spark server, started again where it ends, until it has ended too often."""

    def __init__(self, spark: LakeSpark, report: Callable[[str], None]) -> None:
        self._spark, self._report = spark, report
        self._ended_at: list[float] = []

    def begin(self) -> None:
        """Starts it, or finds the one that runs."""
        self._spark.start(self._report)
        self._report(f"Spark is ready at {self._spark.address()}")

    def heal(self) -> None:
        """Starts it again where it has ended, by itself or by somebody's hand: the next run would do the same."""
        if self._spark.runs():
            return
        now = time.monotonic()
        self._ended_at.append(now)
        if not may_begin_again(self._ended_at, now):
            raise ServiceEnded("Spark", None, self._spark.log())
        self._report("Spark has ended and is started again ...")
        self.begin()

    def state(self) -> State:
        """How it is now."""
        return State(name="Spark", is_ready=self._spark.address() is not None, restarts=len(self._ended_at))
