"""What an Airflow event says of a new version of an asset. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from assets.lineage import Lineage, Version
from assets.outcome import Outcome

Extra = Mapping[str, str | int | None]


def news(lineage: Lineage, outcomes: Iterable[Outcome], run: str) -> Mapping[str, Extra]:
    """What to tell of each asset that has a new version: one that this run made, now or before it was tried again.

    What another run published while this one worked is told as well, for that one may be no run of Airflow's.
    """
    found: dict[str, Extra] = {}
    for outcome in outcomes:
        versions = lineage.versions.get(outcome.key, ())
        own = [place for place, made in enumerate(versions) if made.stamp and made.stamp.run == run]
        if outcome.action == "adopted":
            own = [len(versions) - 1]
        if own and outcome.action in {"made", "adopted", "fresh"}:
            place = own[-1]
            found[outcome.key] = _extra(versions[place], versions[place - 1] if place else None, run)
    return found


class Event(Protocol):
    """What Airflow gives of an event."""

    extra: Mapping[str, Any]


def told_versions(events: Mapping[str, Iterable[Event]]) -> Mapping[str, int]:
    """The newest version of each asset that the events of a DAG run tell of; they come in no order, and some tell none."""
    found = {key: [version_in(event.extra) for event in each] for key, each in sorted(events.items())}
    return {key: max(known) for key, told in found.items() if (known := [v for v in told if v is not None])}


def version_in(extra: Mapping[str, Any]) -> int | None:
    """The version that an event tells of; an event that a person sent by hand tells none."""
    version = extra.get("version")
    return version if isinstance(version, int) and not isinstance(version, bool) else None


def _extra(made: Version, before: Version | None, run: str) -> Extra:
    return {
        "table": made.table.table_id,
        "version": made.version,
        "previous": before.version if before else None,
        "rows": made.rows,
        "run": made.stamp.run if made.stamp else run,
        "code": made.stamp.code if made.stamp else "",
    }
