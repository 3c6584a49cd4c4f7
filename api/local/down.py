"""Ending the platform: by its own process where that lives, else by what it recorded."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from api.held import held
from api.local import processes, record
from api.local.record import Record
from api.local.settings import UpSettings
from api.local.signals import Asked, heeding
from api.local.spark import stop as stop_spark
from lakehouse.settings import LakeSettings

_POLL_SECONDS = 0.1
_MORE_SECONDS = 60.0
"""How long an end may take beyond the wait for running tasks, before it is taken for a process that hangs."""


def down(*, at_once: bool, report: Callable[[str], None]) -> bool:
    """Ends what `lakeline up` started here, and returns when nothing of it is left; false where nothing ran."""
    settings = UpSettings.from_env()
    with heeding() as asked:
        asked.times = 2 if at_once else 1
        ran = _end_keeper(settings, asked, report) if record.is_held(settings.folder) else False
        if not settings.folder.is_dir():
            return ran
        with held(settings.folder) as is_ours:
            left = record.read(settings.folder) if is_ours else None
            if left is not None:
                report("'lakeline up' has ended without an end; ending what it left ...")
                end_left(left, settings, asked, report)
        return ran or left is not None


def end_left(left: Record, settings: UpSettings, asked: Asked, report: Callable[[str], None]) -> None:
    """Ends everything that is recorded, in order, and forgets the record."""

    def end_spark() -> None:
        if left.spark_of is not None and stop_spark(LakeSettings.from_env(), left.spark_of):
            report("Spark has ended")

    processes.end(
        left.started,
        wait_seconds=settings.up_drain_seconds,
        is_hastened=lambda: asked.is_hastened,
        report=report,
        between=end_spark,
    )
    record.forget(settings.folder)


def _end_keeper(settings: UpSettings, asked: Asked, report: Callable[[str], None]) -> bool:
    """Asks the process of `lakeline up` to end, and again for each Ctrl-C; one that hangs is killed."""
    deadline = time.monotonic() + settings.up_drain_seconds + _MORE_SECONDS
    sent = 0
    while record.is_held(settings.folder):
        kept = record.read(settings.folder)
        pid = record.keeper(kept) if kept is not None else None
        if pid is not None:
            if sent == 0:
                report(f"asking 'lakeline up' (process {pid}) to end what runs ...")
            while sent < min(asked.times, 2):
                # Two different signals, as one that is sent twice at once may arrive as one.
                _send(pid, signal.SIGTERM if sent == 0 else signal.SIGINT)
                sent += 1
            if time.monotonic() > deadline:
                _send(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    return True


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
