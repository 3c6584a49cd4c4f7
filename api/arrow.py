"""Arrow IPC streams: many rows in, their answers out."""

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING

from api.columns import absent, check_names, checked
from api.errors import BodyNotArrow, Fault, InputRefused
from api.flatbuffer import is_compressed
from api.schemas import RequestSchema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from api.served import Column

MEDIA_TYPE = "application/vnd.apache.arrow.stream"


def read_table(body: bytes) -> "pa.Table":
    """The rows of a stream, of which every offset was looked at."""
    import pyarrow as pa

    try:
        if any(is_compressed(bytes(message.metadata)) for message in pa.ipc.MessageReader.open_stream(body)):
            # A few bytes may unpack to more than the machine has.
            raise BodyNotArrow("it is compressed; send it as it is")
        with pa.ipc.open_stream(body) as reader:
            table = reader.read_all()
        if table.num_rows > 8 * len(body):
            # A column of nulls has any length in no bytes at all, and each row of it would take some here.
            raise BodyNotArrow(f"it tells of {table.num_rows} rows, and {len(body)} bytes cannot hold so many")
        table.validate(full=True)
    except (pa.ArrowException, OSError, EOFError, struct.error, IndexError, UnicodeDecodeError) as error:
        raise BodyNotArrow((str(error).splitlines() or [type(error).__name__])[0][:200]) from error
    if table.num_rows == 0:
        raise InputRefused([Fault(kind="too_short", field=None, reason="wanted at least one row")])
    return table


def columns_of(table: "pa.Table", schema: RequestSchema) -> "dict[str, np.ndarray]":
    """The columns of a table, checked against what the model takes."""
    check_names(schema, table.column_names)
    return {
        column.name: _column(column, table.column(column.name))
        if column.name in table.column_names
        else absent(column, table.num_rows)
        for column in schema.columns
    }


def write_stream(columns: "Mapping[str, np.ndarray]", told: Mapping[str, str]) -> bytes:
    """Columns as a stream, whose schema tells where they come from; a column of many numbers becomes a list."""
    import pyarrow as pa

    table = pa.table({name: _written(values) for name, values in columns.items()})
    table = table.replace_schema_metadata(dict(told))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _column(column: "Column", found: "pa.ChunkedArray") -> "np.ndarray":
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(found.type):
        raise _of_another_type(column, found.type)
    is_null = found.is_null().to_numpy() if found.null_count else None
    if pa.types.is_dictionary(found.type):
        found = found.cast(found.type.value_type)
    if column.type == "string" and (pa.types.is_string(found.type) or pa.types.is_large_string(found.type)):
        # The texts are looked up as a whole; only where one is unknown, the slow way finds the row.
        codes = pc.index_in(found, value_set=pa.array(column.categories, found.type))
        if codes.null_count == found.null_count and not (column.required and found.null_count):
            return np.asarray(codes.cast(pa.float64()).to_numpy())
        return checked(column, found.to_numpy(), is_null)
    if pa.types.is_floating(found.type):
        return checked(column, found.cast(pa.float64()).to_numpy(), is_null)
    if pa.types.is_integer(found.type) or pa.types.is_boolean(found.type):
        return checked(column, found.fill_null(pa.scalar(0).cast(found.type)).to_numpy(), is_null)
    raise _of_another_type(column, found.type)


def _of_another_type(column: "Column", kind: "pa.DataType") -> InputRefused:
    reason = f"cannot be an Arrow column of the type {kind}"[:200]
    return InputRefused([Fault(kind="column_type", field=column.name, reason=reason)])


def _written(values: "np.ndarray") -> "pa.Array":
    import pyarrow as pa

    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
