"""Whether a canary may go on: a pure decision over what was counted of it."""

from dataclasses import dataclass
from typing import NamedTuple

_FEWEST_TIMED = 20
_FEWEST_ALL_SLOWER = 10
_WINDOW = 10


class Trial(NamedTuple):
    """What was counted of a canary, over all workers.

    Of `requests`, `failures` were answered by production instead. Of `timed` rows that both versions were asked, one right
    after the other, the canary was beyond the limit in `slower`.
    """

    requests: int = 0
    failures: int = 0
    timed: int = 0
    slower: int = 0

    def since(self, before: "Trial") -> "Trial":
        """What was counted since."""
        return Trial(*(now - then for now, then in zip(self, before, strict=True)))


NOTHING = Trial()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a canary may do: the share of requests that fail, and how many times as long as production it may take.

    Nothing is said of it on less evidence than `requests`, unless so many failed that no later request could mend it, or it
    was slower each time that it was measured.
    """

    failures: float
    slower: float
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The last requests of a canary, so that a good past does not outweigh a bad presence."""

    begin: Trial = NOTHING
    middle: Trial = NOTHING

    def of(self, total: Trial) -> Trial:
        """What was counted within the window."""
        return total.since(self.begin)

    def moved(self, total: Trial, limits: Limits) -> "Window":
        """The window after a verdict: of between half and the whole of so many requests as are looked at together."""
        if total.since(self.middle).requests < limits.requests * _WINDOW // 2:
            return self
        return Window(begin=self.middle, middle=total)


def verdict(trial: Trial, limits: Limits) -> str | None:
    """Why a canary may not go on; None where nothing speaks against it.

    >>> verdict(Trial(40, 3), Limits(failures=0.02, slower=3.0, requests=100))
    '3 of 40 requests failed, and production answered them; the limit is 2% of at least 100'
    """
    if trial.failures > limits.failures * max(trial.requests, limits.requests):
        failed = f"{trial.failures} of {trial.requests} requests failed, and production answered them"
        return f"{failed}; the limit is {limits.failures * 100:.3g}% of at least {limits.requests}"
    is_enough = trial.requests >= limits.requests and trial.timed >= _FEWEST_TIMED
    # Of two that are equally fast, one is the slower one ten times in a row in one trial of a thousand; a version that
    # takes a second for each request is not to be waited for until it had a hundred.
    is_clear = trial.slower == trial.timed >= _FEWEST_ALL_SLOWER
    # More than half: the median of the pairs is beyond the limit, whatever a few of them were.
    if (is_enough or is_clear) and trial.slower > trial.timed / 2:
        slow = f"in {trial.slower} of {trial.timed} rows that both were asked it took more than {limits.slower:g} times"
        return f"{slow} as long as production"
    return None
