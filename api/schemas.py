"""What a request may hold, made from the features of the model that is served."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from api.errors import BodyNotJson, Fault, InputRefused

# The model computes in 32-bit floats: what is beyond them would reach it as infinity.
LARGEST = 3.4028234663852886e38

_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)
_REASONS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this model",
    "float_type": "wanted a number",
    "finite_number": "wanted a finite number",
    "model_type": "wanted a JSON object with one number per field",
}


class RequestSchema:
    """The fields of a request, each a finite number: no text, no boolean, no null, none missing, none more."""

    def __init__(self, fields: Sequence[str], example: Mapping[str, float] | None = None) -> None:
        self.fields = tuple(fields)
        # A feature may have a name that Python or pydantic keep for themselves: the names are aliases.
        declared: dict[str, Any] = {
            f"field_{number}": (float, Field(alias=name, title=name, allow_inf_nan=False))
            for number, name in enumerate(self.fields)
        }
        self._model: type[BaseModel] = create_model("Features", __config__=_STRICT, **declared)
        self._names = tuple(zip(self.fields, declared, strict=True))
        self.example = {name: example[name] for name in self.fields} if example else None

    def read(self, body: bytes) -> dict[str, float]:
        """The values of a JSON body, by field; raises what is wrong with it, field by field."""
        try:
            found = self._model.model_validate_json(body)
        except ValidationError as error:
            raise _refusal(error, self.fields) from error
        values = {name: getattr(found, attribute) for name, attribute in self._names}
        faults = [
            Fault(kind="number_range", field=name, reason="is too large for the model")
            for name, value in values.items()
            if not -LARGEST <= value <= LARGEST
        ]
        if faults:
            raise InputRefused(faults)
        return values

    def json_schema(self) -> dict[str, object]:
        """The same as JSON Schema, for the documentation."""
        schema: dict[str, object] = self._model.model_json_schema()
        return schema | ({"examples": [self.example]} if self.example else {})


def _refusal(error: ValidationError, fields: tuple[str, ...]) -> BodyNotJson | InputRefused:
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return BodyNotJson(found[0]["msg"].removeprefix("Invalid JSON: "))
    faults = []
    for one in found:
        field = str(one["loc"][0])[:100] if one["loc"] else None
        reason = _REASONS.get(one["type"], one["msg"].lower())
        if one["type"] == "extra_forbidden":
            reason = f"{reason}; it takes {', '.join(fields)}"
        faults.append(Fault(kind=one["type"], field=field, reason=reason))
    return InputRefused(faults[:100])
