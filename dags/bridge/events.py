"""What an Airflow event says of a new version of an asset. Pure."""

from collections.abc import Iterable, Mapping

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


def _extra(made: Version, before: Version | None, run: str) -> Extra:
    return {
        "table": made.table.table_id,
        "version": made.version,
        "previous": before.version if before else None,
        "rows": made.rows,
        "run": made.stamp.run if made.stamp else run,
        "code": made.stamp.code if made.stamp else "",
    }
