"""What is told of a new version of an asset: by Airflow's event, and to whoever asks what it was made from. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assets.lineage import Lineage, Version
from assets.outcome import Outcome
from lakehouse.taken import FILES

Extra = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A new version of an asset. `extra` is what its event says.

    `reads` has each asset that it was made from, with the version that was read; landed files have none.
    """

    extra: Extra
    reads: tuple[tuple[str, int | None], ...] = ()

    def __str__(self) -> str:
        read = ", ".join(key if version is None else f"{key} v{version}" for key, version in self.reads)
        return f"v{self.extra['version']} was made from {read or 'nothing but its code'}"


def news(lineage: Lineage, outcomes: Iterable[Outcome], run: str) -> Mapping[str, News]:
    """What to tell of each asset that has a new version: one that this run made, now or before it was tried again.

    What another run published while this one worked is told as well, for that one may be no run of Airflow's. What is made
    already is told again only while nothing newer is there: a task of an older run that is cleared has no news.
    """
    found: dict[str, News] = {}
    for outcome in outcomes:
        versions = lineage.versions.get(outcome.key, ())
        place = _place_of_news(versions, outcome, run)
        if place is not None:
            found[outcome.key] = _news(versions[place], versions[place - 1] if place else None, run)
    return found


class Event(Protocol):
    """What Airflow gives of an event."""

    extra: Mapping[str, Any]


def told_versions(events: Mapping[str, Iterable[Event]]) -> Mapping[str, int]:
    """The newest version of each asset that the events of a DAG run tell of; they come in no order, and some tell none."""
    found = {key: [version_in(event.extra) for event in each] for key, each in sorted(events.items())}
    return {key: max(known) for key, told in found.items() if (known := [v for v in told if v is not None])}


def version_in(extra: Mapping[str, Any]) -> int | None:
    """The version that an event tells of, or the last that a watcher has seen; one that a person sent by hand tells none."""
    payload = extra.get("payload")
    version = payload.get("to") if isinstance(payload, dict) else extra.get("version")
    return version if isinstance(version, int) and not isinstance(version, bool) else None


def _place_of_news(versions: Sequence[Version], outcome: Outcome, run: str) -> int | None:
    """Where among the versions the one stands that is to be told of."""
    newest = len(versions) - 1
    own = [place for place, made in enumerate(versions) if made.stamp and made.stamp.run == run]
    if outcome.action == "adopted":
        return newest
    if own and (outcome.action == "made" or (outcome.action == "fresh" and own[-1] == newest)):
        return own[-1]
    return None


def _news(made: Version, before: Version | None, run: str) -> News:
    extra: Extra = {
        "table": made.table.table_id,
        "version": made.version,
        "previous": before.version if before else None,
        "rows": made.rows,
        "run": made.stamp.run if made.stamp else run,
        "code": made.stamp.code if made.stamp else "",
    }
    reads = made.stamp.reads if made.stamp else ()
    return News(extra=extra, reads=tuple((key, None if r.table == FILES else r.version) for key, r in reads))
