"""A table that is only added to, by several at a time: what a commit adds is decided in view of all that is there before it."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lakehouse.errors import CommitTaken
from lakehouse.history import Commit
from lakehouse.stamp import Stamp

if TYPE_CHECKING:
    import pyarrow as pa

_TRIES, _LONGEST_PAUSE_SECONDS = 40, 0.5


class LedgerTable(Protocol):
    """Where a ledger is kept: a Delta table that is only appended to."""

    def append(self, key: str, rows: "pa.Table", *, metadata: str, after: int) -> int:
        """Appends rows in one commit that keeps the metadata word for word, as the first one where `after` is -1.

        Where the newest version is another than `after`, it is `CommitTaken` and nothing is added.
        """
        ...

    def history(self, key: str) -> Sequence[Commit]:
        """Every commit, oldest first; empty where there is no table."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one commit adds, and its stamp."""

    rows: "pa.Table"
    stamp: Stamp


def add(table: LedgerTable, key: str, asked: Callable[[Sequence[Commit]], Entry | None]) -> Entry | None:
    """Adds, in one commit, what is asked for in view of all commits; None asks for nothing.

    Of those that add at the same time, one is first, and each other one is asked again in view of what that one added.
    """
    history: Sequence[Commit] = ()
    for number in range(_TRIES):
        history = table.history(key)
        entry = asked(history)
        if entry is None:
            return None
        after = history[-1].version if history else -1
        try:
            table.append(key, entry.rows, metadata=entry.stamp.encode(), after=after)
            return entry
        except CommitTaken:
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.02 * 2**number)))
    raise CommitTaken(key, len(history))


def sequence_after(history: Sequence[Commit], key: str) -> int:
    """The sequence of the next stamp that is of the ledger itself."""
    return 1 + sum(commit.stamp is not None and commit.stamp.asset == key for commit in history)
