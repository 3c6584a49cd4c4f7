import json

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.stamp import CheckResult, InputVersion, Stamp, decode

words = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
extras = st.dictionaries(st.sampled_from(["journal", "later", "é"]), json_values, max_size=2)
inputs = st.builds(
    InputVersion, table=words, version=st.integers(0, 2**53), alias=st.none() | st.text(min_size=1), extra=extras
)
stamps = st.builds(
    Stamp,
    asset=words,
    code=words,
    inputs=st.dictionaries(words, inputs, max_size=3),
    run=words,
    sequence=st.integers(1, 2**53),
    partition=st.none() | words,
    checks=st.lists(
        st.builds(CheckResult, name=words, otherwise=words, failed=st.integers(0), total=st.integers(0)), max_size=3
    ).map(tuple),
    extra=extras,
)


@given(stamps)
def test_law_a_stamp_that_was_written_is_read_back(stamp: Stamp) -> None:
    assert decode(stamp.encode()) == stamp


@given(st.text() | st.none() | st.integers() | json_values.map(json.dumps))
def test_what_is_no_stamp_is_not_ours_and_no_error(text: object) -> None:
    assert decode(text) is None


def test_a_broken_stamp_is_not_ours() -> None:
    good = json.loads(Stamp(asset="a", code="c", inputs={}, run="r", sequence=1).encode())
    for field in ("asset", "code", "inputs", "run", "sequence", "lakeline"):
        assert decode(json.dumps({key: value for key, value in good.items() if key != field})) is None
    assert decode(json.dumps(good | {"inputs": {"x": {"version": 1}}})) is None
    for field in ("sequence", "lakeline"):
        assert decode(json.dumps(good | {field: float("inf")})) is None
    assert decode(json.dumps(good | {"sequence": 1 << 63})) is None


def test_fields_of_a_newer_format_are_kept() -> None:
    newer = {"lakeline": 2, "asset": "a", "code": "c", "inputs": {}, "run": "r", "sequence": 1, "colour": "blue"}
    stamp = decode(json.dumps(newer))
    assert stamp is not None
    assert json.loads(stamp.encode())["colour"] == "blue"


def test_the_fingerprint_tells_inputs_apart_and_not_runs() -> None:
    def stamp(run: str, **versions: int) -> Stamp:
        read = {key: InputVersion(table="t", version=version) for key, version in versions.items()}
        return Stamp(asset="a", code="c", inputs=read, run=run, sequence=1)

    assert stamp("r1", x=1).fingerprint == stamp("r2", x=1).fingerprint
    assert stamp("r1", x=1).fingerprint != stamp("r1", x=2).fingerprint
    assert stamp("r1", x=1).fingerprint != stamp("r1", y=1).fingerprint
