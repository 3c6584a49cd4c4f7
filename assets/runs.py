"""Runs, told by the stamps of what they made; a run that made nothing left no trace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from assets.errors import UnknownRun
from assets.key import nearest
from assets.lineage import Lineage, Version
from lakehouse.lake import QUARANTINE
from lakehouse.stamp import Stamp
from lakehouse.taken import rejected_in

_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMade:
    """What one run made, in the order of its commits. `started` is None where its name does not tell."""

    id: str
    started: datetime | None
    made: tuple[Version, ...]

    @property
    def ended(self) -> datetime:
        """When its last commit was made."""
        return max(version.at for version in self.made)

    @property
    def assets(self) -> tuple[str, ...]:
        """What it made a version of, without what it kept back."""
        keys = dict.fromkeys(version.key for version in self.made)
        return tuple(key for key in keys if not key.startswith(f"{QUARANTINE}."))

    @property
    def selection(self) -> str | None:
        """The selection that it was started with; None for everything, and where its stamps do not tell."""
        told = [version.stamp.extra.get("selection") for version in self.made if version.stamp]
        return next((str(words) for words in told if words is not None), None)


def runs(lineage: Lineage) -> tuple[RunMade, ...]:
    """Every run that made a version which the logs still tell of, the newest first."""
    found: dict[str, list[Version]] = {}
    for versions in lineage.versions.values():
        for version in versions:
            # What a RESTORE brought back was made by the run before, and not once more.
            if version.stamp and version.operation != "RESTORE" and _is_run(version.stamp.run):
                found.setdefault(version.stamp.run, []).append(version)
    told = [
        RunMade(id=run, started=started_at(run), made=tuple(sorted(made, key=lambda v: v.at)))
        for run, made in found.items()
    ]
    return tuple(sorted(told, key=lambda run: (run.started or run.made[0].at, run.id), reverse=True))


def find(told: Sequence[RunMade], wanted: str) -> RunMade:
    """The run of that name, or the only one whose name begins so."""
    found = [run for run in told if run.id == wanted] or [run for run in told if wanted and run.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    names = [run.id for run in found or told]
    raise UnknownRun(wanted, tuple(names[:10]) if found else _nearest(wanted, names))


def started_at(run: str) -> datetime | None:
    """When a run started, in UTC, by its name.

    >>> started_at("20261124T120000-a1b2c3")
    datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        return datetime.strptime(run.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_run(name: str) -> bool:
    return name != "by hand"


def _nearest(wanted: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names most like the wanted one, or the newest where none is."""
    return nearest(wanted, names) or tuple(names[:_NAMED])


def to_be_known(stamp: Stamp) -> tuple[str, ...]:
    """What is to be known of a version beside its rows: files that were set aside, and mended rows that it took back in."""
    aside = [f"{len(found)} files set aside" for read in stamp.inputs.values() if (found := rejected_in(read))]
    released = stamp.extra.get("released")
    if isinstance(released, dict) and isinstance(rows := released.get("rows"), list):
        aside.append(f"{len(rows)} rows released: {released.get('why', '')}")
    return tuple(aside)
