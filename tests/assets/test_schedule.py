"""What may be made now: decided without threads."""

from hypothesis import given
from hypothesis import strategies as st

from assets.schedule import Schedule

DIAMOND = {"raw": (), "left": ("raw",), "right": ("raw",), "top": ("left", "right")}


def begun(schedule: Schedule) -> list[str]:
    """Everything that starts now."""
    for key in schedule.opened():
        schedule.queue(key)
    started = []
    while key := schedule.start():
        started.append(key)
    return started


def test_an_asset_starts_as_soon_as_its_own_inputs_have_ended() -> None:
    schedule = Schedule({"raw": (), "slow": (), "quick": ("raw",)}, jobs=2)
    assert begun(schedule) == ["raw", "slow"]
    schedule.end("raw")
    assert begun(schedule) == ["quick"]
    assert schedule.running == ("slow", "quick")


def test_no_more_start_than_there_are_places() -> None:
    schedule = Schedule(DIAMOND, jobs=1)
    assert begun(schedule) == ["raw"]
    schedule.end("raw")
    assert begun(schedule) == ["left"]
    schedule.end("left")
    assert begun(schedule) == ["right"]
    schedule.end("right")
    assert begun(schedule) == ["top"]
    schedule.end("top")
    assert schedule.is_over


def test_of_those_that_are_alone_one_starts_and_others_take_the_free_place() -> None:
    schedule = Schedule({"one_model": (), "another_model": (), "table": ()}, 3, alone=("one_model", "another_model"))
    assert begun(schedule) == ["one_model", "table"]
    schedule.end("one_model")
    assert begun(schedule) == ["another_model"]


def test_what_nobody_makes_is_not_waited_for() -> None:
    assert begun(Schedule({"top": ("not selected",)}, jobs=1)) == ["top"]


@given(data=st.data(), size=st.integers(1, 12), jobs=st.integers(1, 4))
def test_law_every_key_starts_once_after_all_that_it_waits_for(data: st.DataObject, size: int, jobs: int) -> None:
    waits_for = {
        f"k{n}": tuple(f"k{m}" for m in (data.draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else ()))
        for n in range(size)
    }
    schedule = Schedule(waits_for, jobs)
    ended: list[str] = []
    started: list[str] = []
    while not schedule.is_over:
        for key in begun(schedule):
            assert set(waits_for[key]) <= set(ended)
            started.append(key)
        assert 0 < len(schedule.running) <= jobs
        key = data.draw(st.sampled_from(schedule.running))
        schedule.end(key)
        ended.append(key)
    assert sorted(started) == sorted(waits_for)
