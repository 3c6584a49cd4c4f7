"""What a table is now: enough to plan with, folded from its log without holding the commits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from lakehouse.actions import Change
from lakehouse.checkpoint import Base
from lakehouse.files import Files
from lakehouse.history import Commit, last_stamped, live_commits, milliseconds, moment, read_commits, replaces
from lakehouse.landing import LandedFile
from lakehouse.log import Log
from lakehouse.stamp import FORMAT, Stamp, decode, is_sequence
from lakehouse.table import TableVersion
from lakehouse.taken import Taken, files_of_all, taken_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A table as it is now, and what its own stamps tell.

    `table` is what a reader depends on, `version` the newest commit. `last` is the stamp with the highest sequence, `stands`
    the one that the present content stands by, `since` its time. `sequence` is the highest that was ever committed, also where
    the stamp that told of it was cleaned away or is broken. `taken` has the files that were ever taken in, `held` those
    whose rows are in the table.
    """

    table: TableVersion
    version: int
    since: datetime
    last: Stamp | None
    stands: Stamp | None
    sequence: int
    taken: Mapping[str, Mapping[str, LandedFile]]
    held: Mapping[str, LandedFile]

    @property
    def is_untold(self) -> bool:
        """Whether no stamp that can still be read tells of the highest sequence."""
        return self.last is None or self.last.sequence < self.sequence


Told = tuple[int, str]
"""The sequence of a stamp, and its text."""


@dataclass(slots=True, kw_only=True)
class State:
    """A fold of a log from its first commit to a version; stamps are kept as text, for only the last of them is read."""

    first: int
    version: int
    table_id: str
    schema: str
    effective: int
    since: int = 0
    last: Told | None = None
    stands: Told | None = None
    transaction: int = 0
    taken: Taken = field(default_factory=dict)
    held: dict[str, LandedFile] = field(default_factory=dict)

    def copy(self) -> "State":
        """The same state, to go on from."""
        taken = {name: dict(files) for name, files in self.taken.items()}
        return replace(self, taken=taken, held=dict(self.held))

    def present(self) -> Present:
        """What the state says."""
        last = decode(self.last[1]) if self.last else None
        return Present(
            table=TableVersion(table_id=self.table_id, version=self.effective),
            version=self.version,
            since=moment(self.since),
            last=last,
            stands=decode(self.stands[1]) if self.stands else None,
            sequence=max(last.sequence if last else 0, self.transaction),
            taken=self.taken,
            held=self.held,
        )


def fold(files: Files, log: Log, key: str, known: State | None = None) -> State | None:
    """The state after the commits of a log, which go on from what is known; None where it takes the whole history.

    That is where a RESTORE brought an earlier content back, or the stamp of the highest sequence is broken.
    """
    base = log.base(files, with_files=False)
    state = known or _start(log, base)
    if base is not None:
        state.transaction = max(state.transaction, base.transactions.get(key, 0))
    for version, change in log.changes(files, log.versions, with_files=False):
        if change.info.get("operation") == "RESTORE":
            return None
        _take(state, version, change, key)
        if base is not None and base.version == version:
            state.effective, state.schema = version, base.schema  # no version before it can be read any more
    broken = any(told is not None and decode(told[1]) is None for told in (state.last, state.stands))
    return None if broken else state


def fold_of_history(files: Files, log: Log, key: str) -> State:
    """The same state, from every commit at once."""
    told = read_commits(files, log)
    commits = told.commits
    *_, live = live_commits(commits)
    stands = last_stamped(live, key)
    return State(
        first=commits[0].version,
        version=commits[-1].version,
        table_id=commits[-1].table_id,
        schema=told.schema,
        effective=commits[-1].effective,
        since=int((stands or commits[-1]).at.timestamp() * 1000),
        last=_told_by(last_stamped(commits, key)),
        stands=_told_by(stands),
        transaction=told.transactions.get(key, 0),
        taken=taken_files((commit.stamp for commit in commits), key),
        held=files_of_all(taken_files((commit.stamp for commit in live), key)),
    )


def _start(log: Log, base: Base | None) -> State:
    if base is None:
        return State(first=0, version=-1, table_id="", schema="", effective=0)
    is_below = not log.versions or base.version < log.versions[0]
    schema = base.schema if is_below else ""
    first = log.versions[0] if log.versions else base.version
    return State(first=first, version=base.version, table_id=base.table_id, schema=schema, effective=base.version)


def _take(state: State, version: int, change: Change, key: str) -> None:
    changed = version == 0 or change.changes_data
    if change.table_id:
        changed = changed or (state.table_id, state.schema) != (change.table_id, change.schema)
        state.table_id, state.schema = change.table_id, change.schema
    state.version = version
    state.transaction = max(state.transaction, change.transactions.get(key, 0))
    if changed:
        state.effective = version
    if replaces(change.info):
        state.stands, state.held = None, {}
    told = _told(change.info.get("userMetadata"), key)
    if told is None:
        if state.stands is None:
            state.since = milliseconds(change.info)
        return
    if state.last is None or told[0] >= state.last[0]:
        state.last = told
    if state.stands is None or told[0] >= state.stands[0]:
        state.stands, state.since = told, milliseconds(change.info)
    if '"files"' in told[1] and (stamp := decode(told[1])) is not None:
        for name, files in taken_files([stamp], key).items():
            state.taken.setdefault(name, {}).update(files)
            state.held.update(files)


def _told(text: object, key: str) -> Told | None:
    """The sequence of an asset's stamp; the rest of it is not read, and may be broken."""
    if not isinstance(text, str):
        return None
    try:
        body = json.loads(text)
        if body["asset"] != key or body.get("partition") is not None or int(body["lakeline"]) < FORMAT:
            return None
        sequence = int(body["sequence"])
        return (sequence, text) if is_sequence(sequence) else None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _told_by(commit: Commit | None) -> Told | None:
    return (commit.stamp.sequence, commit.stamp.encode()) if commit and commit.stamp else None
