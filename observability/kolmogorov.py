"""The two-sample Kolmogorov-Smirnov test, from whole counts alone. Pure."""

EXACT_UP_TO = 10_000
"""Samples of at most so many values are judged exactly, as scipy's `ks_2samp` does it."""


def statistic(gap: int, before: int, after: int) -> float | None:
    """The largest distance between two distribution functions; none where a sample is empty.

    >>> statistic(6, 4, 3)
    0.5
    """
    return gap / (before * after) if before and after else None


def p_value(gap: int, before: int, after: int) -> float | None:
    """How likely two samples of one distribution lie at least so far apart, as scipy tells it; none where one is empty.

    `gap` is the statistic times the sizes of both samples.
    """
    if not before or not after:
        return None
    if max(before, after) <= EXACT_UP_TO:
        return _exact(gap, *sorted((before, after)))
    from scipy.stats import kstwo

    told = kstwo.sf(gap / (before * after), round(before * after / (before + after)))
    return min(1.0, max(0.0, float(told)))


def _exact(gap: int, short: int, long: int) -> float:
    """The share of all orders in which the values of both can come where the distance reaches the gap somewhere.

    An order is a path from (0, 0) to (short, long). Of a random path to (i, j), the last step came from (i - 1, j) with the
    probability i / (i + j). So the shares that have left the band are known from one diagonal to the next; they are only
    ever added, which keeps the smallest of them exact.
    """
    import numpy as np

    places = np.arange(short + 1, dtype=float)
    left = np.ones(short + 2)  # of those at place i, at index i + 1; whoever is not in the band has left it
    left[1] = 0.0
    for steps in range(1, short + long + 1):
        middle, size = steps * short, short + long
        first = max(0, steps - long, (middle - gap) // size + 1)
        last = min(short, steps, -((-middle - gap) // size) - 1)
        if first > last:
            return 1.0
        along = places[first : last + 1] / steps
        now = left[first : last + 1] * along + left[first + 1 : last + 2] * (1.0 - along)
        left[first : last + 2] = np.concatenate(([1.0], now))
    return float(left[short + 1])
