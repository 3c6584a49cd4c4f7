"""What this process answered, on its way to the disk: a request pays for a few bytes in memory, a thread does the rest."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence

from api.log.backlog import depth
from api.log.frames import framed
from api.log.line import encoder
from api.log.privacy import Privacy
from api.log.record import Answered
from api.log.segment import Segment
from api.log.settings import LogSettings
from observability.spool import Lost, SpoolMetrics

_log = logging.getLogger(__name__)

_WRITES_EVERY_SECONDS = 0.1
_SYNCS_EVERY_SECONDS = 0.8  # with the time between two writes, less than the second that is promised
_MEASURES_EVERY_SECONDS = 1.0
_SEGMENT_BYTES = 8 << 20
_BUFFER_BYTES = 32 << 20  # in memory, while the disk stands still


class Spool:
    """Keeps each row in a segment of this process' own, up to a limit for all processes together.

    `recorded` counts the rows that were taken in, `dropped` those that were not kept, as the spool was full, the disk took
    nothing, or they could not be written, and `withheld` those of them that were taken in without their features,
    because a feature that is not to be known is none of the model's.
    """

    def __init__(self, settings: LogSettings, metrics: SpoolMetrics | None = None) -> None:
        self.recorded = self.dropped = self.withheld = 0
        self._metrics = metrics or SpoolMetrics()
        self._settings, self._privacy = settings, Privacy.of(settings)
        self._encode = encoder(self._privacy)
        self._complained_of: set[tuple[str, int]] = set()
        self._is_every, self._is_durable = settings.sync == "every", settings.sync != "off"
        self._waiting: deque[bytes] = deque()
        self._segment: Segment | None = None
        self._writing, self._ending = threading.Lock(), threading.Event()
        self._synced_at = self._measured_at = time.monotonic()
        self._is_synced, self._is_troubled = True, False
        self._free = self._room = settings.spool_bytes
        self._measure()
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Begins to write; call it in the process that answers, after any fork."""
        self._thread.start()

    def stop(self) -> None:
        """Writes all that was recorded, and hands it to the flusher."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._writing:
            self._write()
            self._sync()
            self._close()

    def record(self, answered: Answered) -> None:
        """Takes note of one row; with the policy "every" it returns when the row is on the disk."""
        try:
            frame = framed(self._encode(answered))
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            self._drop("unwritable", f"a row cannot be written: {error}")
            return
        if len(frame) > self._room:
            self._drop(
                "full", f"LAKELINE_LOG_SPOOL_BYTES is {self._settings.spool_bytes}, and so much waits for the lake"
            )
            return
        if self._privacy.hides and (missing := self._privacy.missing(answered.known or answered.features)):
            self.withheld += 1
            self._metrics.withheld()
            self._complain(answered, missing)
        self._room -= len(frame)
        self._waiting.append(frame)
        self.recorded += 1
        if self._is_every:
            with self._writing:
                self._write()
                self._sync()

    def _work(self) -> None:
        while not self._ending.wait(_WRITES_EVERY_SECONDS):
            with self._writing:
                self._turn(time.monotonic())

    def _turn(self, now: float) -> None:
        self._write()
        if self._is_durable and now - self._synced_at >= _SYNCS_EVERY_SECONDS:
            self._sync()
            self._synced_at = now
        if self._segment is not None and self._is_due(self._segment, now):
            self._sync()
            self._close()
        if now - self._measured_at >= _MEASURES_EVERY_SECONDS:
            self._measure()
            self._measured_at = now

    def _is_due(self, segment: Segment, now: float) -> bool:
        is_large = segment.rows >= self._settings.flush_rows or segment.bytes >= _SEGMENT_BYTES
        return is_large or now - segment.since >= self._settings.flush_seconds

    def _write(self) -> None:
        frames = []
        while self._waiting:
            frames.append(self._waiting.popleft())
        if not frames:
            return
        data = b"".join(frames)
        try:
            if self._segment is None:
                self._segment = Segment.begin(self._settings.folder, is_durable=self._is_durable)
            self._segment.append(data, len(frames))
        except OSError as error:
            self._drop("disk", f"the disk takes no predictions: {error}", len(frames))
            return
        self._free -= len(data)
        self._room = min(self._free, _BUFFER_BYTES)
        self._is_synced = False

    def _sync(self) -> None:
        if self._segment is None or self._is_synced or not self._is_durable:
            return
        try:
            self._segment.sync()
            self._is_synced = True
        except OSError as error:
            self._trouble(f"the disk does not say that predictions are safe: {error}")

    def _close(self) -> None:
        if self._segment is None:
            return
        try:
            self._segment.close()
        except OSError as error:
            self._trouble(f"a segment could not be closed, and is taken as one whose writer died: {error}")
        self._segment = None

    def _measure(self) -> None:
        """Sees how much all processes have left; where that is enough, an old trouble is over."""
        try:
            self._free = self._settings.spool_bytes - depth(self._settings.folder).bytes
        except OSError as error:
            self._trouble(f"the size of the spool is unknown: {error}")
            return
        self._room = min(self._free - sum(map(len, tuple(self._waiting))), _BUFFER_BYTES)
        if self._room >= self._settings.spool_bytes / 10:
            self._is_troubled = False

    def _drop(self, reason: Lost, told: str, rows: int = 1) -> None:
        self.dropped += rows
        self._metrics.dropped(reason, rows)
        self._trouble(told)

    def _complain(self, answered: Answered, missing: Sequence[str]) -> None:
        """Says of each version once that the log has no features of it, and why."""
        if (called := (answered.model, answered.version)) in self._complained_of:
            return
        self._complained_of.add(called)
        _log.error(
            "of %s@%s no feature is logged: LAKELINE_LOG_HASHED or LAKELINE_LOG_LEFT_OUT name %s, and it takes %s; "
            "mend the name, or write it with a '?' behind it where not every model takes it",
            *called,
            ", ".join(map(repr, missing)),
            ", ".join(answered.known or answered.features),
        )

    def _trouble(self, reason: str) -> None:
        """Says why once, until it goes well again."""
        if not self._is_troubled:
            _log.warning("the prediction log loses rows, or may: %s", reason)
        self._is_troubled = True
