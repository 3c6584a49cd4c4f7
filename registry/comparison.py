"""Two versions of a model side by side, from the journal alone, and the events that come of looking at them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from registry.errors import UnknownAlias, UnknownModel, UnknownVersion
from registry.journal import Event, Told
from registry.model import ALIASES, ModelVersion
from registry.promote import Candidate, Decision, Rule, decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A version beside the one that an alias stands at.

    Pairs are (champion, challenger), with None where one of them has no such thing.
    """

    name: str
    alias: str
    champion: ModelVersion | None
    challenger: ModelVersion
    metrics: Mapping[str, tuple[float | None, float | None]]
    inputs: Mapping[str, tuple[int | None, int | None]]
    decision: Decision

    @property
    def is_there(self) -> bool:
        """Whether the alias stands at the challenger already."""
        champion, challenger = self.champion, self.challenger
        return champion is not None and (champion.model_id, champion.version) == (
            challenger.model_id,
            challenger.version,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What came of a promotion; `event` is None where the alias stood there already and nothing was done."""

    comparison: Comparison
    event: Event | None

    def __str__(self) -> str:
        c = self.comparison
        if self.event is None:
            return f"version {c.challenger.version} of {c.name} is in {c.alias} already; nothing was moved"
        before = f"version {c.champion.version}" if c.champion else "nothing"
        return f"{c.alias} of {c.name} moved from {before} to version {c.challenger.version}"


def compared(journal: Told, name: str, version: int, alias: str, rule: Rule) -> Comparison:
    """A version beside the one that the alias stands at; a name, version or alias that is not known is refused."""
    if alias not in ALIASES:
        raise UnknownAlias(alias, ALIASES)
    challenger = _known_version(journal, name, version)
    champion = journal.aliases(name).get(alias)
    metrics = _finite(champion), _finite(challenger)
    inputs = _input_versions(champion), _input_versions(challenger)
    first = None if champion is None else Candidate(version=champion.version, metrics=champion.metrics)
    return Comparison(
        name=name,
        alias=alias,
        champion=champion,
        challenger=challenger,
        metrics={key: (metrics[0].get(key), metrics[1].get(key)) for key in {**metrics[1], **metrics[0]}},
        inputs={key: (inputs[0].get(key), inputs[1].get(key)) for key in {**inputs[1], **inputs[0]}},
        decision=decide(first, Candidate(version=challenger.version, metrics=challenger.metrics), rule),
    )


def judged(event: Literal["moved", "rejected"], comparison: Comparison, *, at: datetime, by: str, why: str) -> Event:
    """The entry for a version that was moved to the alias, or was not."""
    champion, challenger = comparison.champion, comparison.challenger
    before = champion.version if champion else None
    is_moved = event == "moved"
    return Event(
        at=at,
        event=event,
        model=comparison.name,
        model_id=challenger.model_id,
        by=by,
        why=why,
        version=None if is_moved else challenger.version,
        alias=comparison.alias,
        from_version=before,
        to_version=challenger.version if is_moved else before,
        metrics=challenger.metrics,
        run_id=challenger.run_id,
    )


def registration(version: ModelVersion, before: ModelVersion | None, *, at: datetime, by: str, why: str) -> Event:
    """The entry for a version that was made, and is the candidate from now on."""
    return Event(
        at=at,
        event="registered",
        model=version.name,
        model_id=version.model_id,
        by=by,
        why=why,
        version=version.version,
        alias="candidate",
        from_version=before.version if before else None,
        to_version=version.version,
        metrics=version.metrics,
        run_id=version.run_id,
        features=version.features,
        source=version.source,
        stamp=version.stamp,
    )


def removal(version: ModelVersion, at: datetime) -> Event:
    """The entry for a version that somebody deleted from MLflow."""
    return Event(
        at=at,
        event="removed",
        model=version.name,
        model_id=version.model_id,
        by="outside",
        why="found deleted from MLflow",
        version=version.version,
        metrics=version.metrics,
        run_id=version.run_id,
    )


def _known_version(journal: Told, name: str, version: int) -> ModelVersion:
    versions = journal.versions(name)
    if not versions:
        raise UnknownModel(name, journal.models)
    found = [known for known in versions if known.version == version]
    if not found:
        raise UnknownVersion(name, version, tuple(known.version for known in versions), "the journal")
    return found[-1]


def _finite(version: ModelVersion | None) -> dict[str, float]:
    return {key: value for key, value in version.metrics.items() if math.isfinite(value)} if version else {}


def _input_versions(version: ModelVersion | None) -> dict[str, int]:
    stamp = version.stamp if version else None
    return {key: read.version for key, read in stamp.inputs.items()} if stamp else {}
