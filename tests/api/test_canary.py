from pathlib import Path

import xgboost
from hypothesis import given
from hypothesis import strategies as st

from api.canary import place_of, variant_of
from api.predictor import load
from api.serving import Serving
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
