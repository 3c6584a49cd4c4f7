"""The rule of promotion: two versions, one metric, a decision with its reasons. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A version and its metrics."""

    version: int
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What makes a version better; within `tolerance` of the champion it still counts as good enough."""

    metric: str = "accuracy"
    higher_is_better: bool = True
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether the challenger may take the champion's place without anybody giving a reason, and why."""

    better: bool
    reasons: tuple[str, ...]


def decide(champion: Candidate | None, challenger: Candidate, rule: Rule) -> Decision:
    """Better is at least as good as the champion, within the tolerance.

    >>> decide(None, Candidate(version=1, metrics={"accuracy": 0.9}), Rule()).reasons
    ('v1 has accuracy 0.9', 'no version is there to compare it with')
    """
    value = _metric(challenger, rule)
    if champion is not None and champion.version == challenger.version:
        return Decision(better=True, reasons=(f"v{challenger.version} is there already",))
    if champion is None:
        told = f"has {rule.metric} {value:g}" if value is not None else f"tells no {rule.metric}"
        return Decision(
            better=True, reasons=(f"v{challenger.version} {told}", "no version is there to compare it with")
        )
    if value is None:
        return Decision(better=False, reasons=(f"v{challenger.version} tells no {rule.metric}",))
    other = _metric(champion, rule)
    if other is None:
        told = f"v{challenger.version} has {rule.metric} {value:g}, and v{champion.version} tells none"
        return Decision(better=True, reasons=(told,))
    gain = value - other if rule.higher_is_better else other - value
    wanted = "higher" if rule.higher_is_better else "lower"
    told = f"{rule.metric} {other:g} (v{champion.version}) -> {value:g} (v{challenger.version}), {wanted} is better"
    if gain >= 0:
        return Decision(better=True, reasons=(told,))
    if -gain <= rule.tolerance + 1e-12:  # floats are not exact
        return Decision(better=True, reasons=(told, f"worse by {-gain:g}, within the tolerance of {rule.tolerance:g}"))
    return Decision(better=False, reasons=(told, f"worse by {-gain:g}"))


def _metric(candidate: Candidate, rule: Rule) -> float | None:
    value = candidate.metrics.get(rule.metric)
    return None if value is None or not math.isfinite(value) else value
