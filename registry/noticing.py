"""Moves of our own while they are made, and what became of moves that were left unfinished or that others made."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from lakehouse.errors import PlatformError
from registry import outside
from registry.aliases import read_model
from registry.journal import Event, Journal, Told
from registry.moving import Intent, carry_out, carry_out_elsewhere, follow_journal, intend, settle
from registry.process import is_at_work
from registry.settings import RegistrySettings

_here: set[str] = set()
"""The marks of the moves that threads of this process are making."""


@contextmanager
def moving(settings: RegistrySettings, journal: Journal, name: str, intent: Intent) -> Iterator[None]:
    """Notes a move in MLflow while it is made; after an error, what was journaled of it is finished if that can be."""
    _here.add(intent.mark)
    try:
        carry_out(settings, intend(name, intent))
        yield
        carry_out(settings, [settle(name, intent)])
    except BaseException:
        _here.discard(intent.mark)
        with suppress(PlatformError):
            notice(settings, journal, name)
        raise
    _here.discard(intent.mark)


def notice(settings: RegistrySettings, journal: Journal, name: str) -> tuple[Event, ...]:
    """Journals what others moved in MLflow of one model, and ends the moves of it that were left unfinished."""
    if settings.database is not None and not settings.database.exists():
        return ()  # a store that is not there says nothing about its models
    told = journal.read()
    while True:
        found = outside.compare(told, name, read_model(settings, name), datetime.now(UTC), _is_being_made)
        if not found:
            return ()
        # Only a look at the store that lies between two equal looks at the journal can be compared with it.
        before, told = told, journal.read()
        if before.of(name) == told.of(name):
            break
    for alias, stage in found.behind:
        follow_journal(settings, journal, name, alias, stage)
    carry_out_elsewhere(settings, found.steps)
    events: list[Event] = []
    for event in found.events:
        # What another command tells of this model meanwhile may be the very same; the next look finds what is left.
        expected = len(told.of(name)) + len(events)
        if journal.record(partial(_told_next, event, expected)) is None:
            return tuple(events)
        events.append(event)
    carry_out_elsewhere(settings, found.settles)
    return tuple(events)


def _is_being_made(intent: Intent) -> bool:
    return intent.mark in _here or is_at_work(intent.process, intent.at, datetime.now(UTC))


def _told_next(event: Event, expected: int, told: Told) -> Event | None:
    """The event, where the journal tells just so many others of its model."""
    return event if len(told.of(event.model)) == expected else None
