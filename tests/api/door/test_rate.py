from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from api.door.rate import Buckets, Rate, after_one_more

PAUSES = st.lists(st.floats(min_value=0, max_value=3), min_size=1, max_size=80)


@settings(max_examples=40, deadline=None)
@given(pauses=PAUSES, per_second=st.floats(min_value=0.1, max_value=50), burst=st.integers(min_value=1, max_value=9))
def test_in_no_stretch_of_time_are_more_let_in_than_the_rate_and_one_burst(
    pauses: list[float], per_second: float, burst: int
) -> None:
    rate = Rate(per_second=per_second, burst=burst)
    now, full_at, let_in = 1000.0, 0.0, []
    for pause in pauses:
        now += pause
        full_at, wait_seconds = after_one_more(full_at, now, rate)
        if not wait_seconds:
            let_in.append(now)
    for first, began in enumerate(let_in):
        for last, ended in enumerate(let_in[first:], first):
            assert last - first + 1 <= burst + per_second * (ended - began) + 0.001


def test_who_waits_as_long_as_told_is_let_in() -> None:
    clock = [50.0]
    buckets = Buckets(Rate(per_second=0.5, burst=2), clock=lambda: clock[0])
    assert [buckets.wait_seconds(b"a") for _ in range(3)] == [0, 0, 2]
    assert buckets.wait_seconds(b"b") == 0
    clock[0] += 2
    assert [buckets.wait_seconds(b"a") for _ in range(2)] == [0, 2]


def test_workers_share_the_buckets(tmp_path: Path) -> None:
    one, other = (Buckets(Rate(per_second=1, burst=3), tmp_path / "buckets", clock=lambda: 7.0) for _ in range(2))
    told = [bool(buckets.wait_seconds(b"a")) for buckets in (one, other, one, other, one)]
    assert told == [False, False, False, True, True]


def test_a_crowd_of_senders_gets_none_of_them_more_than_is_allowed() -> None:
    buckets = Buckets(Rate(per_second=0.001, burst=1), clock=lambda: 7.0)
    for number in range(20_000):
        buckets.wait_seconds(b"%d" % number)
    assert buckets.wait_seconds(b"19999")
