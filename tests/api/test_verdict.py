from hypothesis import given
from hypothesis import strategies as st

from api.verdict import NOTHING, Limits, Trial, Window, verdict

LIMITS = Limits(failures=0.02, slower=3.0, requests=100)


def test_a_canary_ends_as_soon_as_no_later_request_could_mend_it() -> None:
    assert verdict(Trial(2, 2), LIMITS) is None
    assert verdict(Trial(3, 3), LIMITS) == (
        "3 of 3 requests failed, and production answered them; the limit is 2% of at least 100"
    )
    assert verdict(Trial(1000, 20), LIMITS) is None
    assert verdict(Trial(1000, 21), LIMITS) is not None
    assert verdict(Trial(1, 1), Limits(failures=0.0, slower=3.0, requests=1)) is not None
    assert verdict(Trial(500, 500), Limits(failures=1.0, slower=3.0, requests=1)) is None


def test_it_is_slow_when_most_pairs_are_and_not_when_a_few_are_very() -> None:
    assert verdict(Trial(100, 0, 40, 20), LIMITS) is None
    told = "in 21 of 40 rows that both were asked it took more than 3 times as long as production"
    assert verdict(Trial(100, 0, 40, 21), LIMITS) == told
    assert verdict(Trial(99, 0, 40, 39), LIMITS) is None
    assert verdict(Trial(100, 0, 19, 18), LIMITS) is None


def test_one_that_is_slower_each_time_is_not_waited_for() -> None:
    assert verdict(Trial(12, 0, 9, 9), LIMITS) is None
    assert verdict(Trial(12, 0, 10, 10), LIMITS) is not None


@given(st.lists(st.integers(1, 300), max_size=60))
def test_a_window_never_forgets_the_last_requests_and_always_the_far_past(steps: list[int]) -> None:
    window, total = Window(), NOTHING
    for requests in steps:
        total = Trial(total.requests + requests)
        seen = window.of(total)
        assert seen.requests >= min(total.requests, 500)
        assert seen.requests < 1000 + 2 * 300
        window = window.moved(total, LIMITS)


def test_a_good_past_does_not_hide_a_bad_presence() -> None:
    window, total = Window(), Trial(1_000_000)
    for _ in range(3):
        window = window.moved(total, LIMITS)
        total = Trial(total.requests + 500)
    bad = Trial(total.requests + 100, 40)
    assert verdict(bad, LIMITS) is None
    assert verdict(window.of(bad), LIMITS) is not None
