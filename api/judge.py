"""Judging the canary of a server by what all its workers counted; one that may not go on loses its share everywhere."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from api.canary import Ended, end_canary, read_ruling
from api.run import METRICS, SEATS
from api.seats import Seat, read_seats
from api.served import Target
from api.settings import ApiSettings
from api.untold import note, untold
from api.verdict import Limits, Trial, Window, verdict
from lakehouse.errors import PlatformError
from observability.metrics import counted_in
from observability.trial import Tallies

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
_JOURNAL_AGAIN_SECONDS = 5.0


class Judge:
    """Looks at the canary each second; `run` is the folder of the server, and `journal` tells why one has ended.

    What cannot be journaled is tried again, also by the next server.
    """

    def __init__(self, settings: ApiSettings, run: Path, journal: Callable[[Ended], object]) -> None:
        self._settings, self._run_folder, self._journal = settings, run, journal
        self._limits = Limits(
            failures=settings.serve_canary_failures,
            slower=settings.serve_canary_slower,
            requests=settings.serve_canary_requests,
        )
        self._windows: dict[Target, Window] = {}
        self._noted: set[Ended] = set()
        self._journals_at = 0.0
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends judging."""
        self._stopped.set()

    def run(self) -> None:
        """Judges until it is stopped."""
        while not self._stopped.wait(_LOOK_SECONDS):
            try:
                self.judge()
                self.tell()
            except Exception:  # a judge that died would leave a failing canary answering in silence
                _log.exception("judging the canary failed")

    def judge(self) -> None:
        """Takes the share from each canary that may not go on."""
        ruling = read_ruling(self._run_folder)
        canaries = {target for seat in read_seats(self._run_folder / SEATS) if (target := _canary(seat)) is not None}
        judged = [each for each in canaries if ruling.share_of(each, self._settings.serve_canary) > 0]
        if not judged:
            self._windows.clear()  # one that is given a share again is judged by what it does from then on
            return
        tallies = Tallies(counted_in(self._run_folder / METRICS))
        for target in judged:
            total = _trial(tallies, target)
            window = self._windows.setdefault(target, self._first(total, ruling.share))
            why = verdict(window.of(total), self._limits)
            self._windows[target] = window.moved(total, self._limits)
            if why is not None:
                self._end(target, why)

    def tell(self) -> None:
        """Has the journal tell of each canary that has ended, where it can be reached; it tells of each once."""
        for end in set(read_ruling(self._run_folder).ended) - self._noted:
            note(self._settings.folder, end)
            self._noted.add(end)
        if time.monotonic() < self._journals_at:
            return
        for file, end in untold(self._settings.folder):
            try:
                self._journal(end)
            except PlatformError as error:
                self._journals_at = time.monotonic() + _JOURNAL_AGAIN_SECONDS
                _log.warning("the end of version %s is not journaled yet: %s", end.target.version, error)
                return
            file.unlink(missing_ok=True)

    def _first(self, total: Trial, share: float | None) -> Window:
        # An operator who gives a share to a version that had failed knows of it: only what comes from now on counts.
        return Window() if share is None else Window(begin=total, middle=total)

    def _end(self, target: Target, why: str) -> None:
        end_canary(self._run_folder, Ended(target=target, why=why, at=datetime.now(UTC)))
        self._windows.pop(target, None)
        _log.error("%s: version %s answers no more: %s", self._settings.serve_canary_alias, target.version, why)


def _canary(seat: Seat) -> Target | None:
    """The canary that a worker answers with; once it is promoted it is none any more."""
    canary, production = seat.answering.get("canary"), seat.answering.get("production")
    if canary is None or (production is not None and production.version == canary.version):
        return None
    return Target(version=canary.version, run_id=canary.run_id)


def _trial(tallies: Tallies, target: Target) -> Trial:
    requests, failures = tallies.canary(target.version)
    compared = [tallies.compared(target.version, variant) for variant in ("canary", "shadow")]
    return Trial(
        requests=requests,
        failures=failures,
        timed=sum(each.timed for each in compared),
        slower=sum(each.slower for each in compared),
    )
