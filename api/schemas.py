"""What a request may hold, made from the columns of the model that is served."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema, from_json

from api.errors import BodyNotJson, Fault, InputRefused
from api.served import Column

Value = float | int | bool | str | None

# The model computes in 32-bit floats: what is beyond them would reach it as infinity.
LARGEST = 3.4028234663852886e38

_FAULTS = 100
_WHOLE: Mapping[str, int] = {"long": 2**63, "integer": 2**31}
_REASONS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this model",
    "float_type": "wanted a number",
    "finite_number": "wanted a finite number",
    "int_type": "wanted a whole number",
    "int_parsing_size": "is too large for the model",
    "bool_type": "wanted true or false",
    "string_type": "wanted a text",
    "dict_type": "wanted a JSON object with one value per field",
    "list_type": "wanted a JSON array of rows",
    "too_short": "wanted at least one row",
}
_TOO_LARGE = frozenset({"less_than_equal", "greater_than_equal", "int_parsing_size"})


class RequestSchema:
    """The columns of a request, each of its own type: no number as text, no null but where training had one.

    None may be missing that training always had, and there are no others.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        example: Mapping[str, Value] | None = None,
        *,
        may_lack: Collection[str] = (),
    ) -> None:
        self.columns = tuple(columns)
        self.fields = tuple(column.name for column in columns)
        self.example = {name: example[name] for name in self.fields} if example else None
        row = _row_schema(self.columns, may_lack)
        self._row = SchemaValidator(row)
        self._rows = SchemaValidator(core_schema.list_schema(row, min_length=1, fail_fast=True))
        self._reasons = {column.name: reason_of_category(column) for column in columns if column.categories}

    def read(self, body: bytes) -> dict[str, Value]:
        """The values of a JSON object, by field; raises what is wrong with it, field by field."""
        return cast(dict[str, Value], self._checked(self._row.validate_json, body))

    def read_rows(self, body: bytes) -> list[dict[str, Value]]:
        """The values of a JSON array of objects; raises what is wrong with the first row that is not as wanted."""
        return cast(list[dict[str, Value]], self._checked(self._rows.validate_json, body))

    def check_rows(self, rows: object) -> list[dict[str, Value]]:
        """The same for JSON that was read already."""
        return cast(list[dict[str, Value]], self._checked(self._rows.validate_python, rows))

    def json_schema(self) -> dict[str, object]:
        """One row as JSON Schema, for the documentation."""
        schema: dict[str, object] = {
            "type": "object",
            "title": "Features",
            "properties": {column.name: _described(column) for column in self.columns},
            "required": [column.name for column in self.columns if column.required],
            "additionalProperties": False,
        }
        return schema | ({"examples": [self.example]} if self.example else {})

    def _checked(self, validate: Callable[[Any], object], given: object) -> object:
        try:
            return validate(given)
        except ValidationError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: ValidationError) -> BodyNotJson | InputRefused:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        if found[0]["type"] == "json_invalid":
            return BodyNotJson(found[0]["msg"].removeprefix("Invalid JSON: "))
        return InputRefused([self._fault(one["type"], one["loc"], one["msg"]) for one in found[:_FAULTS]])

    def _fault(self, kind: str, place: tuple[int | str, ...], message: str) -> Fault:
        row = place[0] if place and isinstance(place[0], int) else None
        named = place if row is None else place[1:]
        name = str(named[0]) if named else None
        field = None if name is None else name[:100]
        if kind in _TOO_LARGE:
            return Fault(kind="number_range", field=field, reason="is too large for the model", row=row)
        reason = _REASONS.get(kind, message.lower())
        if kind == "extra_forbidden":
            reason = f"{reason}; it takes {', '.join(self.fields)}"
        if kind == "literal_error":
            reason = self._reasons[str(name)]
        return Fault(kind=kind, field=field, reason=reason, row=row)


def read_json(body: bytes) -> object:
    """Any JSON, of bounded depth; NaN and infinity come as floats, to be refused by whoever knows the field."""
    try:
        return from_json(body)
    except ValueError as error:
        raise BodyNotJson(str(error)) from error


def _row_schema(columns: Sequence[Column], may_lack: Collection[str]) -> CoreSchema:
    fields = {
        column.name: core_schema.typed_dict_field(
            _value_schema(column), required=column.required and column.name not in may_lack
        )
        for column in columns
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="forbid", strict=True)


def _value_schema(column: Column) -> CoreSchema:
    bound = _WHOLE.get(column.type)
    schema: CoreSchema
    if column.type == "string":
        schema = core_schema.literal_schema(list(column.categories))
    elif column.type == "boolean":
        schema = core_schema.bool_schema(strict=True)
    elif bound is not None:
        schema = core_schema.int_schema(strict=True, ge=-bound, le=bound - 1)
    else:
        schema = core_schema.float_schema(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST)
    return schema if column.required else core_schema.nullable_schema(schema)


def _described(column: Column) -> dict[str, object]:
    told: dict[str, object] = {"title": column.name}
    if column.type == "string":
        return told | {"enum": [*column.categories, *([] if column.required else [None])]}
    bound = _WHOLE.get(column.type)
    kind = "boolean" if column.type == "boolean" else "number" if bound is None else "integer"
    told["type"] = kind if column.required else [kind, "null"]
    if kind == "number":
        return told | {"minimum": -LARGEST, "maximum": LARGEST}
    return told if bound is None else told | {"minimum": -bound, "maximum": bound - 1}


def reason_of_category(column: Column) -> str:
    """Which texts a column takes."""
    named = ", ".join(column.categories[:20])
    return f"wanted one of {named}" if len(column.categories) <= 20 else f"wanted a category of training: {named}, ..."
