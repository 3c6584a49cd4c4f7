import math

from hypothesis import given
from hypothesis import strategies as st

from registry.promote import Candidate, Rule, decide


def version(number: int, **metrics: float) -> Candidate:
    return Candidate(version=number, metrics=metrics)


def test_the_first_version_needs_no_comparison() -> None:
    assert decide(None, version(1), Rule()).better
    assert decide(None, version(1), Rule()).reasons == (
        "v1 tells no accuracy",
        "no version is there to compare it with",
    )


def test_as_good_is_good_enough() -> None:
    assert decide(version(1, accuracy=0.9), version(2, accuracy=0.9), Rule()).better


def test_worse_within_the_tolerance_is_good_enough() -> None:
    rule = Rule(tolerance=0.02)
    assert decide(version(1, accuracy=0.92), version(2, accuracy=0.9), rule).better
    assert not decide(version(1, accuracy=0.93), version(2, accuracy=0.9), rule).better


def test_lower_is_better_where_the_rule_says_so() -> None:
    rule = Rule(metric="log_loss", higher_is_better=False)
    assert decide(version(1, log_loss=0.3), version(2, log_loss=0.2), rule).better
    assert decide(version(1, log_loss=0.2), version(2, log_loss=0.3), rule).reasons[-1] == "worse by 0.1"


def test_a_metric_that_is_missing_or_no_number_decides_against_whoever_lacks_it() -> None:
    for lacking in (version(9), version(9, accuracy=math.nan)):
        assert not decide(version(1, accuracy=0.1), lacking, Rule()).better
        assert decide(lacking, version(2, accuracy=0.1), Rule()).better


metric = st.floats(allow_nan=False, allow_infinity=False, width=16)


@given(metric, metric)
def test_of_two_versions_at_least_one_is_better(one: float, other: float) -> None:
    first, second = version(1, accuracy=one), version(2, accuracy=other)
    both = (decide(first, second, Rule()), decide(second, first, Rule()))
    assert any(decision.better for decision in both)
    assert all(decision.reasons for decision in both)
    assert all(decision.better for decision in both) == (one == other)
