"""A claim: what was measured, and what it should be."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A figure in its unit, which should not be above the target; `more_is_better` turns that round.

    `parts` are figures that it is made up of, by name. `missing` says why nothing could be measured; such a claim is short.
    """

    name: str
    measured: float
    target: float
    unit: str
    more_is_better: bool = False
    parts: Mapping[str, float] = field(default_factory=dict)
    missing: str = ""

    @property
    def is_kept(self) -> bool:
        if self.missing:
            return False
        return self.measured >= self.target if self.more_is_better else self.measured <= self.target

    def __str__(self) -> str:
        sign = ">=" if self.more_is_better else "<="
        state = "ok" if self.is_kept else "short"
        measured = "unmeasured" if self.missing else f"{self.measured:.2f}{self.unit}"
        why = f" ({self.missing})" if self.missing else ""
        return f"claim {self.name} {measured} {sign}{self.target:g}{self.unit} {state}{why}"
