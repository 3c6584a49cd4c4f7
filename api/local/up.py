"""The platform from its start to its end, in the process that a person looks at."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from api.held import held
from api.local import parts, ports, record
from api.local.airflow import credentials, is_ours_to_enter
from api.local.desk import Desk
from api.local.down import end_left
from api.local.parts import Platform
from api.local.record import Record
from api.local.running import Running, State
from api.local.service import put_aside
from api.local.settings import UpSettings
from api.local.signals import Asked, Interrupted, at_once, heeding
from api.local.spark import SparkWatch
from assets.jobs import RECONCILER
from assets.settings import WatchSettings

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
    with held(settings.folder) as is_ours:
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


def status_line(states: Iterable[State], more: Iterable[str], unread: int = 0) -> str:
    """How the platform is, in one line: what does not answer, how many DAG files are `unread`, what was started again.

    >>> status_line([State(name="MLflow", is_ready=True, restarts=1)], ["2 runs under way"])
    'all ready; MLflow restarted 1x; 2 runs under way'
    """
    seen = tuple(states)
    silent = [each.name for each in seen if not each.is_ready]
    again = [f"{each.name} restarted {each.restarts}x" for each in seen if each.restarts]
    wrong = [f"no answer from {', '.join(silent)}"] if silent else []
    if unread:
        wrong.append(f"{unread} DAG file{'' if unread == 1 else 's'} cannot be read")
    return "; ".join(filter(None, (*(wrong or ["all ready"]), *again, *more)))


def _run(platform: Platform, chosen: tuple[str, ...], settings: UpSettings, asked: Asked, told: Told) -> None:
    began = datetime.now(UTC)
    spark = SparkWatch(platform.spark, told.report) if platform.spark else None
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
        _watch(running, spark, _desk(platform), began, asked, told)
    except Interrupted:
        pass
    finally:
        told.status("ending what runs; once more ends it at once ...")
        asked.times = max(1, asked.times)
        if spark is not None:
            spark.settle()
        end_left(replace(mine, started=running.processes()), settings, asked, told.report)
        running.reap()


def _watch(
    running: Running, spark: SparkWatch | None, desk: Desk | None, began: datetime, asked: Asked, told: Told
) -> None:
    """Looks at everything again and again until the end is asked for."""
    unread = _Unread(desk, began, told.report) if desk else None
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
            told.status(status_line(states, [desk.told()] if desk else [], unread.count() if unread else 0))
            told_at = time.monotonic()
        time.sleep(_LOOK_SECONDS)


def _desk(platform: Platform) -> Desk | None:
    if platform.airflow is None or not is_ours_to_enter(platform.airflow):
        return None
    return Desk(platform.airflow.near, credentials(platform.airflow).password)


class _Unread:
    """The DAG files that Airflow cannot read; each is told of once for each reason."""

    def __init__(self, desk: Desk, since: datetime, report: Callable[[str], None]) -> None:
        self._desk, self._since, self._report = desk, since, report
        self._told: Mapping[str, str] = {}

    def count(self) -> int:
        """How many there are now."""
        found = self._desk.unread(self._since)
        for file, why in found.items():
            if self._told.get(file) != why:
                self._report(f"Airflow cannot read {file}: {why} (all of it: airflow dags list-import-errors)")
        self._told = found
        return len(found)
