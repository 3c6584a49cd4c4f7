import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from observability.kolmogorov import EXACT_UP_TO, p_value, statistic

NUMBERS = st.lists(st.integers(-4, 4).map(lambda n: n / 2) | st.sampled_from([math.inf, -math.inf]), min_size=1)


def gap(one: list[float], other: list[float]) -> int:
    """The statistic times both sizes, counted value by value."""
    return max(
        abs(sum(x <= value for x in one) * len(other) - sum(x <= value for x in other) * len(one))
        for value in (*one, *other)
    )


@given(one=NUMBERS, other=NUMBERS)
def test_it_says_what_scipy_says_of_samples_with_ties(one: list[float], other: list[float]) -> None:
    with warnings.catch_warnings(record=True) as told_otherwise:
        warnings.simplefilter("always")
        told = ks_2samp(one, other)
    found = gap(one, other)
    assert statistic(found, len(one), len(other)) == pytest.approx(told.statistic, abs=1e-12)
    # Where its exact sum comes out above 1, as for 1/7 between two samples of 7, scipy takes the limit and says so.
    exact = not any("Exact calculation unsuccessful" in str(each.message) for each in told_otherwise)
    assert p_value(found, len(one), len(other)) == pytest.approx(told.pvalue, abs=1e-6 if exact else 1e-4)


@given(sizes=st.tuples(st.integers(1, 700), st.integers(1, 700)), moved=st.floats(0, 2), seed=st.integers(0, 9))
@settings(max_examples=40)
def test_it_says_what_scipy_says_of_larger_samples(sizes: tuple[int, int], moved: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    told = ks_2samp(random.normal(size=sizes[0]), random.normal(size=sizes[1]) + moved)
    found = round(told.statistic * sizes[0] * sizes[1])
    assert p_value(found, *sizes) == pytest.approx(told.pvalue, abs=1e-6)
    assert p_value(found, *sizes) == p_value(found, *reversed(sizes))


@pytest.mark.parametrize("before", [5, EXACT_UP_TO])
@pytest.mark.parametrize("after", [EXACT_UP_TO, EXACT_UP_TO + 1, 40_000])
def test_it_goes_over_to_the_limit_where_scipy_does(before: int, after: int) -> None:
    random = np.random.default_rng(7)
    told = ks_2samp(random.normal(size=before), random.normal(size=after) + 0.02)
    found = round(told.statistic * before * after)
    assert p_value(found, before, after) == pytest.approx(told.pvalue, abs=1e-6)


def test_what_is_rarest_is_not_rounded_to_nothing() -> None:
    assert p_value(400, 20, 20) == pytest.approx(2 / math.comb(40, 20), rel=1e-9)


def test_an_empty_sample_is_at_no_distance() -> None:
    assert (statistic(0, 0, 5), p_value(0, 5, 0)) == (None, None)


def test_one_row_each_says_nothing() -> None:
    assert (statistic(1, 1, 1), p_value(1, 1, 1), p_value(0, 1, 1)) == (1.0, 1.0, 1.0)
