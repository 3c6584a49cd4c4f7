"""The journal `ops.model_journal`: each registration and each move of an alias is one commit, told in its stamp."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from lakehouse import ledger
from lakehouse.history import Commit
from lakehouse.ledger import Entry, LedgerTable
from lakehouse.stamp import Stamp
from registry.model import ModelVersion

if TYPE_CHECKING:
    import pyarrow as pa

KEY = "ops.model_journal"
BY_HAND = "by hand"
Kind = Literal["registered", "moved", "rejected", "removed", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the journal.

    "registered": `version` was made, and is the candidate from now on. "moved": `alias` went from `from_version` to
    `to_version`, each None where it names nothing. "rejected": somebody looked at `version` and left `alias` alone.
    "removed": somebody deleted `version` from MLflow, and with it let go of the tables' versions that it was trained on.
    "ended": a server took from `version`, its canary, the share of the requests that it answered.
    `stages` holds MLflow's old stages as they stood after the event.
    """

    at: datetime
    event: Kind
    model: str
    model_id: str
    by: str
    why: str
    version: int | None = None
    alias: str | None = None
    from_version: int | None = None
    to_version: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    run_id: str = ""
    features: tuple[str, ...] = ()
    source: str = ""
    stages: Mapping[str, int] | None = None
    stamp: Stamp | None = None

    @property
    def model_version(self) -> ModelVersion:
        """The version that was registered, or that the alias was moved to, as far as the event tells of it."""
        return ModelVersion(
            name=self.model,
            version=self.version or self.to_version or 0,
            model_id=self.model_id,
            run_id=self.run_id,
            stamp=self.stamp,
            metrics=self.metrics,
            features=self.features,
            source=self.source,
            at=self.at,
        )


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the journal tells at one moment; oldest first."""

    events: tuple[Event, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all models that were ever registered."""
        return tuple(dict.fromkeys(event.model for event in self.events))

    def of(self, name: str) -> tuple[Event, ...]:
        """The events of one model."""
        return tuple(event for event in self.events if event.model == name)

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """The registered versions of one model."""
        return tuple(event.model_version for event in self.of(name) if event.event == "registered")

    def removed(self, name: str) -> tuple[ModelVersion, ...]:
        """The versions of one model that somebody deleted from MLflow."""
        gone = {(event.model_id, event.version) for event in self.of(name) if event.event == "removed"}
        return tuple(version for version in self.versions(name) if (version.model_id, version.version) in gone)

    def aliases(self, name: str) -> Mapping[str, ModelVersion]:
        """The version that each alias of a model stands at."""
        placed: dict[str, Event] = {}
        for event in self.of(name):
            if event.alias is not None and event.event != "rejected":
                placed[event.alias] = event
        registered = {(v.model_id, v.version): v for v in self.versions(name)}
        return {
            alias: registered.get((event.model_id, event.to_version), event.model_version)
            for alias, event in placed.items()
            if event.to_version is not None
        }

    def stages(self, name: str) -> Mapping[str, int]:
        """MLflow's old stages, as they stood when one was last told of."""
        told = [event.stages for event in self.of(name) if event.stages is not None]
        return told[-1] if told else {}


class Journal:
    """Reads and writes the journal; reading needs its log alone."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def read(self) -> Told:
        """All events; a commit that is not ours is passed over."""
        return _told(self._table.history(KEY))

    def record(self, asked: Callable[[Told], Event | None], *, run: str = BY_HAND) -> Event | None:
        """Adds, in one commit, the event that is asked for in view of all that the journal tells; None asks for none.

        Of those that add at the same time, one is first, and each other one is asked again in view of what that one added.
        A registration carries the model's own stamp, a move or a refusal one of the journal's.
        """
        event: Event | None = None

        def entry(history: Sequence[Commit]) -> Entry | None:
            nonlocal event
            event = asked(_told(history))
            if event is None:
                return None
            stamp = event.stamp
            if event.event != "registered" or stamp is None:
                stamp = Stamp(asset=KEY, code="", inputs={}, run=run, sequence=ledger.sequence_after(history, KEY))
            return Entry(rows=_row(event), stamp=replace(stamp, extra={**stamp.extra, "journal": _plain(event)}))

        ledger.add(self._table, KEY, entry)
        return event


def _told(history: Sequence[Commit]) -> Told:
    return Told(events=tuple(event for commit in history if (event := _event(commit)) is not None))


def _plain(event: Event) -> dict[str, object]:
    return {
        "at": event.at.isoformat(),
        "event": event.event,
        "model": event.model,
        "version": event.version,
        "alias": event.alias,
        "from_version": event.from_version,
        "to_version": event.to_version,
        "by": event.by,
        "why": event.why,
        # JSON has no word for NaN and infinity.
        "metrics": {name: value if math.isfinite(value) else None for name, value in event.metrics.items()},
        "run_id": event.run_id,
        "model_id": event.model_id,
        "features": list(event.features),
        "source": event.source,
        "stages": None if event.stages is None else dict(event.stages),
    }


def _row(event: Event) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema(
        {
            "at": pa.timestamp("us", "UTC"),
            "event": pa.string(),
            "model": pa.string(),
            "version": pa.int64(),
            "alias": pa.string(),
            "from_version": pa.int64(),
            "to_version": pa.int64(),
            "by": pa.string(),
            "why": pa.string(),
            "metrics": pa.string(),
            "run_id": pa.string(),
        }
    )
    plain = _plain(event)
    values = {**plain, "at": event.at, "metrics": json.dumps(plain["metrics"])}
    return pa.Table.from_pylist([{name: values[name] for name in schema.names}], schema=schema)


def _event(commit: Commit) -> Event | None:
    told = commit.stamp.extra.get("journal") if commit.stamp else None
    if not isinstance(told, dict) or commit.stamp is None:
        return None
    try:
        metrics = {name: math.nan if value is None else float(value) for name, value in told["metrics"].items()}
        stages = told.get("stages")
        registers = told["event"] == "registered"
        return Event(
            at=datetime.fromisoformat(told["at"]).astimezone(UTC),
            event=told["event"],
            model=str(told["model"]),
            model_id=str(told["model_id"]),
            by=str(told["by"]),
            why=str(told["why"]),
            version=_number(told.get("version")),
            alias=told.get("alias"),
            from_version=_number(told.get("from_version")),
            to_version=_number(told.get("to_version")),
            metrics=metrics,
            run_id=str(told.get("run_id", "")),
            features=tuple(told.get("features", ())),
            source=str(told.get("source", "")),
            stages=None if stages is None else {str(stage): int(version) for stage, version in stages.items()},
            stamp=_without_journal(commit.stamp) if registers else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))


def _without_journal(stamp: Stamp) -> Stamp:
    return replace(stamp, extra={key: value for key, value in stamp.extra.items() if key != "journal"})
