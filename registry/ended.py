"""Canaries that a server took the share from: the journal tells which version, and why."""

from datetime import datetime

from lakehouse.ledger import LedgerTable
from registry.journal import Event, Journal, Told


def journal_end(lake: LedgerTable, name: str, version: int, *, run_id: str, at: datetime, why: str) -> Event | None:
    """Journals the end of a canary, once; the journal alone is asked, so that MLflow may be away."""

    def asked(told: Told) -> Event | None:
        if any((event.event, event.version, event.at) == ("ended", version, at) for event in told.of(name)):
            return None
        known = [each for each in told.versions(name) if each.version == version and run_id in ("", each.run_id)]
        return Event(
            at=at,
            event="ended",
            model=name,
            model_id=known[-1].model_id if known else "",
            by="lakeline serve",
            why=why,
            version=version,
            metrics=known[-1].metrics if known else {},
            run_id=run_id,
        )

    return Journal(lake).record(asked)
