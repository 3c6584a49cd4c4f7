"""`python -m api.log.flush`: brings what was logged of predictions from this machine's spool into the lake, each row once.

One process does it for all that serve from one home folder; a second one waits until the first has ended. With a number of
a process, `python -m api.log.flush PARENT`, it ends when it is no longer that one's child.
"""

import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from api.held import held
from api.log import frames
from api.log.account import read_account, write_account
from api.log.backlog import Backlog, Taken, depth
from api.log.line import decode
from api.log.pace import BATCH_BYTES, Pace
from api.log.rows import KEY, table_of, together
from api.log.settings import LogSettings
from api.settings import ApiSettings
from lakehouse.engine import Transaction
from lakehouse.errors import PlatformError
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp
from observability.log import start_log

if TYPE_CHECKING:
    import pyarrow as pa

_log = logging.getLogger(__name__)

FORMAT = "log-1"
"""What the stamps of the log name as the code that made it."""
_WAITS_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0


class PredictionTable(Protocol):
    """Where predictions are kept: a Delta table that is only appended to."""

    def append_once(self, key: str, rows: "pa.Table", *, metadata: str, transaction: Transaction) -> int:
        """Appends rows in one commit, unless the transaction or a later one of its application is there."""
        ...

    def last_transaction(self, key: str, application: str) -> int:
        """The number of the last transaction of an application; 0 for none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A segment with its rows, None where it has none, and its size."""

    segment: Taken
    rows: "pa.Table | None"
    answered_by: frozenset[str]
    bytes: int


class Flusher:
    """Commits the complete segments of one spool; those of a process that was killed are complete as well."""

    def __init__(self, table: PredictionTable, settings: LogSettings, backlog: Backlog | None = None) -> None:
        self._table, self._settings = table, settings
        self._backlog = backlog or Backlog(settings.folder)
        self._committed: int | None = None
        self._account = read_account(settings.folder)

    def run(self, ending: threading.Event) -> None:
        """Works until it is to end, and then once more; where another process works, waits until that has ended."""
        while not ending.is_set():
            with held(self._settings.folder) as is_ours:
                if is_ours:
                    self._work(ending)
                    return
            ending.wait(_WAITS_SECONDS)

    def flush(self) -> int:
        """Commits what is complete, and returns how many rows that were; for the process that holds the lock."""
        if not self._backlog.complete_bytes():
            return 0
        application = self._backlog.application()
        if self._committed is None:
            self._committed = self._table.last_transaction(KEY, application)
        rows = 0
        for batch in self._batches(self._backlog.take(self._committed)):
            number = batch[-1].segment.number
            tables = [read.rows for read in batch if read.rows is not None]
            if tables:
                answered_by = frozenset().union(*(read.answered_by for read in batch))
                self._committed = None  # if this fails, the table alone tells whether it came to a commit
                self._commit(together(tables), answered_by, Transaction(application=application, number=number))
                self._committed = number
                self._tell(flushes=1, rows=sum(table.num_rows for table in tables))
            self._backlog.remove([read.segment for read in batch])
            rows += sum(table.num_rows for table in tables)
        return rows

    def attempt(self) -> int | None:
        """Flushes as `flush` does; None where that failed, which is told and counted, and nothing is lost."""
        try:
            rows = self.flush()
            _log.debug("%d predictions more are in %s", rows, KEY)
            return rows
        except (PlatformError, OSError) as error:
            self._tell(failures=1)
            waiting = depth(self._settings.folder)
            _log.warning(
                "predictions stay in the spool, where %d bytes of %d wait since %.0f s: %s",
                waiting.bytes,
                self._settings.spool_bytes,
                waiting.oldest_seconds,
                error,
            )
            return None

    def _work(self, ending: threading.Event) -> None:
        failures, waited = 0, 0.0
        pace = Pace.between(self._settings.flush_seconds, self._settings.flush_idle_seconds)
        while not ending.is_set():
            rows = self.attempt()
            failures = failures + 1 if rows is None else 0
            if rows is None:
                ending.wait(_pause(failures))
            else:
                pace = pace.after(rows, waited)
                waited = self._rest(pace, ending)
        self.attempt()

    def _rest(self, pace: Pace, ending: threading.Event) -> float:
        """Waits until a commit is due; for how many seconds."""
        since = time.monotonic()
        while not pace.is_due(waited := time.monotonic() - since, self._backlog.complete_bytes()):
            if ending.wait(min(pace.pause - waited, _WAITS_SECONDS)):
                break
        return waited

    def _tell(self, *, flushes: int = 0, rows: int = 0, failures: int = 0) -> None:
        before = self._account
        self._account = replace(
            before, flushes=before.flushes + flushes, rows=before.rows + rows, failures=before.failures + failures
        )
        write_account(self._settings.folder, self._account)

    def _commit(self, rows: "pa.Table", answered_by: frozenset[str], transaction: Transaction) -> None:
        stamp = Stamp(
            asset=KEY,
            code=FORMAT,
            inputs={},
            run=f"{transaction.application}-{transaction.number}",
            sequence=transaction.number,
            extra={"predictions": rows.num_rows, "answered_by": sorted(answered_by)},
        )
        self._table.append_once(KEY, rows, metadata=stamp.encode(), transaction=transaction)

    def _batches(self, segments: Sequence[Taken]) -> Iterator[list[_Read]]:
        """Segments in their order, as many as one commit should add."""
        batch: list[_Read] = []
        for segment in segments:
            read = self._read(segment)
            if read is None:
                continue
            if batch and sum(other.bytes for other in batch) + read.bytes > BATCH_BYTES:
                yield batch
                batch = []
            batch.append(read)
        if batch:
            yield batch

    def _read(self, segment: Taken) -> _Read | None:
        """A segment's rows; None where it is nothing that this program can read, and is out of the way now."""
        data = segment.path.read_bytes()
        found = frames.read(data)
        try:
            if found is None:
                raise ValueError("it begins with other words")
            lines = [decode(record) for record in found.records]
            rows = table_of(lines) if lines else None
        except (ValueError, TypeError, EOFError) as error:
            aside = self._backlog.set_aside(segment)
            _log.error("a segment of the spool is of another format, and was set aside as %s: %s", aside.name, error)
            return None
        if found.torn_bytes:
            _log.warning("the last %d bytes of a segment were not written whole, and are no row", found.torn_bytes)
        answered_by = frozenset(f"{line.model}@{line.version}" for line in lines)
        return _Read(segment=segment, rows=rows, answered_by=answered_by, bytes=len(data))


def _pause(failures: int) -> float:
    """How long to wait after so many failures in a row; not the same for all that wait for one lake."""
    return random.uniform(0.5, 1.0) * min(_LONGEST_PAUSE_SECONDS, 2.0 ** min(failures, 10))


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 when it was asked to end, 1 where a setting is wrong."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ending.set())
    try:
        start_log(style=ApiSettings.from_env().log_format)
        flusher = Flusher(Lake.from_env(), LogSettings.from_env())
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments:
        threading.Thread(target=_end_with, args=(int(arguments[0]), ending), daemon=True).start()
    flusher.run(ending)
    return 0


def _end_with(parent: int, ending: threading.Event) -> None:
    while os.getppid() == parent and not ending.wait(_WAITS_SECONDS):
        pass
    ending.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
