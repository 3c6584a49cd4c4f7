"""The tensors of the Open Inference Protocol: named arrays as JSON, or as bytes behind it."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import CoreSchema, SchemaValidator, core_schema
from pydantic_core import ValidationError as CoreError

from api.errors import BodyNotJson, Fault, InputRefused

if TYPE_CHECKING:
    import numpy as np

BINARY = "application/octet-stream"
LENGTH = "Inference-Header-Content-Length"

_TYPES: Mapping[str, str] = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_STRICT = ConfigDict(strict=True, frozen=True, extra="ignore")
_Size = Annotated[int, Field(ge=0, le=2**40)]


class Tensor(BaseModel):
    """One named array of a request."""

    model_config = _STRICT

    name: str
    shape: Annotated[list[_Size], Field(min_length=1, max_length=2)]
    datatype: str
    parameters: dict[str, object] = {}
    data: list[object] | None = None


class Wanted(BaseModel):
    """An output that the sender asks for."""

    model_config = _STRICT

    name: str
    parameters: dict[str, object] = {}


class Infer(BaseModel):
    """A request for inference."""

    model_config = _STRICT

    id: str | None = None
    parameters: dict[str, object] = {}
    inputs: Annotated[list[Tensor], Field(min_length=1)]
    outputs: list[Wanted] | None = None

    def is_binary(self, output: str) -> bool:
        """Whether an output is to be sent as bytes."""
        asked = {wanted.name: wanted.parameters.get("binary_data") for wanted in self.outputs or ()}
        told = asked.get(output)
        return self.parameters.get("binary_data_output") is True if told is None else told is True


def read_infer(body: bytes, header: str | None) -> "tuple[Infer, dict[str, np.ndarray]]":
    """A request and its arrays by name; `header` tells how much of the body is JSON, where bytes follow it."""
    length = len(body)
    if header is not None:
        if not (header.isascii() and header.isdigit() and len(header) < 15 and int(header) <= len(body)):
            raise _refused(None, f"the header {LENGTH} has to be the length of the JSON in front of the bytes")
        length = int(header)
    try:
        infer = Infer.model_validate_json(body[:length])
    except ValidationError as error:
        raise _refusal(error) from error
    rest, arrays = memoryview(body)[length:], {}
    for tensor in infer.inputs:
        if tensor.name in arrays:
            raise _refused(tensor.name, "is there twice")
        if tensor.shape[1:] not in ([], [1]):
            raise _refused(tensor.name, f"has the shape {tensor.shape}; wanted one value for each row")
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            arrays[tensor.name] = _from_json(tensor)
            continue
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(rest):
            raise _refused(tensor.name, "binary_data_size is not how many bytes of it follow the JSON")
        arrays[tensor.name] = _from_bytes(tensor, bytes(rest[:size]))
        rest = rest[size:]
    if len(rest):
        raise _refused(None, f"{len(rest)} bytes follow the JSON that no input tells of")
    return infer, arrays


def write_infer(
    told: Mapping[str, object], infer: Infer, outputs: "Mapping[str, np.ndarray]"
) -> tuple[bytes, str | None]:
    """The body of an answer, and how much of it is JSON where bytes follow."""
    described, rest = [], b""
    for name, values in outputs.items():
        tensor: dict[str, object] = {"name": name, "datatype": datatype_of(values), "shape": list(values.shape)}
        if infer.is_binary(name):
            raw = values.astype(_TYPES[datatype_of(values)]).tobytes()
            described.append({**tensor, "parameters": {"binary_data_size": len(raw)}})
            rest += raw
        else:
            described.append({**tensor, "data": values.reshape(-1).tolist()})
    answer = {**told, **({} if infer.id is None else {"id": infer.id}), "outputs": described}
    head = json.dumps(answer, separators=(",", ":")).encode()
    return head + rest, str(len(head)) if rest else None


def datatype_of(values: "np.ndarray") -> str:
    """The protocol's name of an array's type."""
    return next(name for name, kind in _TYPES.items() if values.dtype.str.lstrip("<|=") == kind.lstrip("<"))


def _from_json(tensor: Tensor) -> "np.ndarray":
    import numpy as np

    if tensor.data is None:
        raise _refused(tensor.name, "has neither data nor binary_data_size")
    flat = [one for row in tensor.data for one in (row if isinstance(row, list) else (row,))]
    if len(flat) != math.prod(tensor.shape):
        raise _refused(tensor.name, f"has {len(flat)} values, and its shape says {math.prod(tensor.shape)}")
    try:
        found = SchemaValidator(core_schema.list_schema(_value(tensor), fail_fast=True)).validate_python(flat)
    except CoreError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        row = first["loc"][0] if first["loc"] else None
        fault = Fault(
            kind=first["type"],
            field=tensor.name,
            reason=f"wanted {tensor.datatype}: {first['msg'].lower()}",
            row=row if isinstance(row, int) else None,
        )
        raise InputRefused([fault]) from error
    if tensor.datatype == "BYTES":
        return np.array(found, dtype=object)
    # Numbers of JSON are doubles, whatever the tensor calls them; they are judged before they are cut to 32 bits.
    return np.array(found, dtype="<f8" if tensor.datatype.startswith("FP") else _TYPES[tensor.datatype])


def _value(tensor: Tensor) -> CoreSchema:
    import numpy as np

    if tensor.datatype == "BYTES":
        return core_schema.str_schema(strict=True)
    if tensor.datatype == "BOOL":
        return core_schema.bool_schema(strict=True)
    if tensor.datatype.startswith("FP") and tensor.datatype in _TYPES:
        return core_schema.float_schema(strict=True, allow_inf_nan=False)
    if tensor.datatype in _TYPES:
        bounds = np.iinfo(_TYPES[tensor.datatype])
        return core_schema.int_schema(strict=True, ge=int(bounds.min), le=int(bounds.max))
    raise _unknown(tensor)


def _from_bytes(tensor: Tensor, raw: bytes) -> "np.ndarray":
    import numpy as np

    count = math.prod(tensor.shape)
    if tensor.datatype == "BYTES":
        found: np.ndarray = np.array(_texts(tensor, raw), dtype=object)
    elif tensor.datatype in _TYPES:
        kind = np.dtype(_TYPES[tensor.datatype])
        if len(raw) != count * kind.itemsize:
            raise _refused(tensor.name, f"has {len(raw)} bytes, and its shape says {count * kind.itemsize}")
        found = np.frombuffer(raw, dtype=kind)
    else:
        raise _unknown(tensor)
    if len(found) != count:
        raise _refused(tensor.name, f"has {len(found)} values, and its shape says {count}")
    return found


def _texts(tensor: Tensor, raw: bytes) -> Sequence[str]:
    texts, place = [], 0
    while place < len(raw):
        end = place + 4 + int.from_bytes(raw[place : place + 4], "little")
        if end > len(raw):
            raise _refused(tensor.name, "ends within a text")
        try:
            texts.append(raw[place + 4 : end].decode())
        except UnicodeDecodeError as error:
            raise _refused(tensor.name, "holds a text that is not UTF-8") from error
        place = end
    return texts


def _unknown(tensor: Tensor) -> InputRefused:
    return _refused(tensor.name, f"has the datatype {tensor.datatype[:50]!r}; known are BYTES, {', '.join(_TYPES)}")


def _refused(name: str | None, reason: str) -> InputRefused:
    return InputRefused([Fault(kind="tensor", field=None if name is None else name[:100], reason=reason)])


def _refusal(error: ValidationError) -> BodyNotJson | InputRefused:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return BodyNotJson(found[0]["msg"].removeprefix("Invalid JSON: "))
    return InputRefused(
        [
            Fault(kind=one["type"], field=".".join(map(str, one["loc"]))[:100] or None, reason=one["msg"].lower())
            for one in found[:100]
        ]
    )
