from datetime import UTC, datetime
from pathlib import Path

import xgboost
from hypothesis import given
from hypothesis import strategies as st

from api.canary import Ended, Ruling, Variant, end_canary, place_of, read_ruling, set_share, variant_of
from api.placed import Placed, write_placed
from api.predictor import load
from api.served import Target
from api.serving import Serving
from api.shelf import Shelf
from api.watch import Watcher
from tests.api import served_models as models

SHARES = st.floats(min_value=0, max_value=1)


@given(st.binary(max_size=40), SHARES, SHARES)
def test_a_key_that_the_canary_answers_stays_with_it_when_the_share_grows(key: bytes, one: float, other: float) -> None:
    smaller, larger = sorted((one, other))
    if variant_of(smaller, key=key, forced=None) == "canary":
        assert variant_of(larger, key=key, forced=None) == "canary"


@given(st.binary(max_size=40))
def test_none_and_all(key: bytes) -> None:
    assert variant_of(0.0, key=key, forced=None) == "production"
    assert variant_of(1.0, key=key, forced=None) == "canary"


def test_a_key_is_answered_by_the_same_variant_in_every_process_and_release() -> None:
    assert [round(place_of(key), 4) for key in (b"", b"ann", b"ben")] == [0.8932, 0.5517, 0.5996]


def test_the_share_is_met() -> None:
    keys = [f"customer-{number}".encode() for number in range(20_000)]
    found = sum(variant_of(0.1, key=key, forced=None) == "canary" for key in keys)
    assert 1850 <= found <= 2150


def test_a_tester_says_which_one_and_who_has_no_key_is_drawn() -> None:
    assert variant_of(0.0, key=b"ann", forced="canary") == "canary"
    assert variant_of(1.0, key=b"ann", forced="production") == "production"
    assert variant_of(0.5, key=None, forced="nonsense", drawn=0.4) == "canary"
    assert variant_of(0.5, key=None, forced=None, drawn=0.6) == "production"


def test_what_is_served_chooses_by_the_key_and_a_promoted_canary_is_none(iris: xgboost.Booster, tmp_path: Path) -> None:
    first, second = (load(models.place(tmp_path / str(v), iris, models.card(v))) for v in (1, 2))
    serving = Serving(share=0.55)
    serving.predictor = first
    assert serving.choose(forced="canary").variant == "production"
    serving.canary = second
    assert [serving.choose(key=key).predictor.card.version for key in (b"ann", b"ben", b"ann")] == [1, 1, 1]
    serving.share = 0.56
    assert [serving.choose(key=key).predictor.card.version for key in (b"ann", b"ben")] == [2, 1]
    assert serving.choose(key=b"ann", forced="production").predictor is first
    serving.predictor = second
    assert serving.choose(key=b"ann").variant == "production"


def test_what_was_decided_is_read_by_every_process_and_an_operator_has_the_last_word(tmp_path: Path) -> None:
    assert read_ruling(tmp_path) == Ruling()
    failed, other = Target(version=2, run_id="run2"), Target(version=3, run_id="run3")
    set_share(tmp_path, 0.5)
    end = Ended(target=failed, why="it failed", at=datetime(2026, 11, 1, tzinfo=UTC))
    end_canary(tmp_path, end)
    assert end_canary(tmp_path, end) == read_ruling(tmp_path)
    ruling = read_ruling(tmp_path)
    assert [ruling.share_of(target, 0.1) for target in (failed, other, None)] == [0.0, 0.5, 0.5]
    assert ruling.end_of(failed) == end
    assert set_share(tmp_path, 0.2).share_of(failed, 0.1) == 0.2
    (tmp_path / "canary-share").write_text("half")
    assert read_ruling(tmp_path).share_of(failed, 0.1) == 0.0
    (tmp_path / "canary-share").unlink()
    assert read_ruling(tmp_path).share_of(failed, 0.1) == 0.1


def test_a_worker_follows_what_was_decided(iris: xgboost.Booster, tmp_path: Path) -> None:
    shelf, run = Shelf(tmp_path / "shelf"), tmp_path / "run"
    run.mkdir()
    files: dict[Variant, tuple[str, Path]] = {}
    names: tuple[Variant, ...] = ("production", "canary")
    for version, variant in enumerate(names, start=1):
        models.place(shelf.folder / str(version), iris, models.card(version))
        files[variant] = (variant, tmp_path / f"placed-{variant}.json")
        write_placed(files[variant][1], Placed(target=Target(version=version)))
    serving = Serving()
    watcher = Watcher(serving, shelf, files, run=run)
    watcher.restore()
    assert serving.canary is None  # nobody asked for one
    set_share(run, 0.4)
    watcher.look()
    assert serving.share == 0.4
    assert serving.choose(forced="canary").predictor.card.version == 2
    end_canary(run, Ended(target=Target(version=2, run_id="run2"), why="slow", at=datetime.now(UTC)))
    watcher.look()
    assert serving.share == 0.0
    again = Serving(share=0.3)
    Watcher(again, shelf, files, run=run).restore()
    assert (again.share, again.canary and again.canary.card.version) == (0.0, 2)
