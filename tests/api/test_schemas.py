import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import BodyNotJson, InputRefused
from api.schemas import LARGEST, RequestSchema
from api.served import Column


def schema_of(names: list[str], example: dict[str, float] | None = None) -> RequestSchema:
    return RequestSchema([Column(name=name) for name in names], example)


SCHEMA = schema_of(["length", "width"])
finite = st.floats(min_value=-LARGEST, max_value=LARGEST)


def refusal(body: str | bytes, schema: RequestSchema = SCHEMA) -> list[tuple[str | None, str]]:
    with pytest.raises(InputRefused) as caught:
        schema.read(body.encode() if isinstance(body, str) else body)
    return [(fault.field, fault.reason) for fault in caught.value.faults]


@given(finite, finite)
def test_reads_back_what_was_written(length: float, width: float) -> None:
    body = json.dumps({"width": width, "length": length}).encode()
    assert SCHEMA.read(body) == {"length": length, "width": width}


def test_a_whole_number_is_a_number() -> None:
    assert SCHEMA.read(b'{"length": 5, "width": -3}') == {"length": 5.0, "width": -3.0}


@pytest.mark.parametrize("value", ['"5.1"', "true", "false", "null", "[1]", '{"a": 1}'])
def test_what_is_no_number_is_refused_by_name(value: str) -> None:
    assert refusal(f'{{"length": {value}, "width": 1}}') == [("length", "wanted a number")]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 400])
def test_what_is_not_finite_is_refused_by_name(value: str) -> None:
    assert refusal(f'{{"length": 1, "width": {value}}}') == [("width", "wanted a finite number")]


def test_what_the_model_would_see_as_infinity_is_refused() -> None:
    assert refusal('{"length": 1, "width": -1e39}') == [("width", "is too large for the model")]


def test_every_wrong_field_is_named_at_once() -> None:
    assert refusal('{"length": "1", "hight": 2}') == [
        ("length", "wanted a number"),
        ("width", "is required"),
        ("hight", "is not a field of this model; it takes length, width"),
    ]


@pytest.mark.parametrize("body", ["[]", "null", "1", '"text"'])
def test_json_that_is_no_object_is_refused(body: str) -> None:
    assert refusal(body) == [(None, "wanted a JSON object with one value per field")]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b'{"length": 1' + b"1" * 5_000 + b"}", b"length=1"]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BodyNotJson):
        SCHEMA.read(body)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_bring_it_down(body: bytes) -> None:
    with pytest.raises((BodyNotJson, InputRefused)):
        SCHEMA.read(body)


def test_a_feature_may_have_any_name() -> None:
    names = ["sepal length (cm)", "copy", "model_dump", "_hidden", "class", "field_0"]
    schema = schema_of(names, dict.fromkeys(names, 1.0))
    assert schema.read(json.dumps(dict.fromkeys(names, 2)).encode()) == dict.fromkeys(names, 2.0)
    assert list(schema.json_schema()["properties"]) == names  # type: ignore[call-overload]


MIXED = RequestSchema(
    [
        Column(name="area"),
        Column(name="rooms", type="long"),
        Column(name="floor", type="integer", required=False),
        Column(name="new", type="boolean"),
        Column(name="town", type="string", categories=("Bonn", "Köln")),
    ]
)


def test_every_type_of_a_signature_is_read_as_itself() -> None:
    row = {"area": 50, "rooms": 2, "floor": None, "new": True, "town": "Köln"}
    assert MIXED.read(json.dumps(row).encode()) == row
    del row["floor"]
    assert MIXED.read_rows(json.dumps([row, row]).encode()) == [row, row] == MIXED.check_rows([row, row])


def test_every_type_of_a_signature_refuses_the_others() -> None:
    row = {"area": None, "rooms": 2.0, "floor": 2**31, "new": 1, "town": "Rome"}
    expected = [
        ("area", "wanted a number"),
        ("rooms", "wanted a whole number"),
        ("floor", "is too large for the model"),
        ("new", "wanted true or false"),
        ("town", "wanted one of Bonn, Köln"),
    ]
    assert refusal(json.dumps(row), MIXED) == expected
    with pytest.raises(InputRefused) as caught:
        MIXED.check_rows([{"area": 1, "rooms": 1, "new": True, "town": "Bonn"}, row])
    assert [(fault.row, fault.field, fault.reason) for fault in caught.value.faults] == [(1, *one) for one in expected]
    with pytest.raises(InputRefused, match="at least one row"):
        MIXED.read_rows(b"[]")


def test_the_documentation_shows_the_fields_and_the_example() -> None:
    schema = schema_of(["length", "width"], {"length": 1.5, "width": 2.5, "more": 1}).json_schema()
    assert schema["required"] == ["length", "width"]
    assert schema["additionalProperties"] is False
    assert schema["examples"] == [{"length": 1.5, "width": 2.5}]
