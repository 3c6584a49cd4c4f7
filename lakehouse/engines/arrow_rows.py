"""Rows on their way from DuckDB to delta-rs, batch by batch, in the types that Delta knows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lakehouse.duck import told

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH = 122_880  # a row group of DuckDB's


class Rows:
    """The rows of a relation, computed while they are read; `failure` is why they could not all be."""

    def __init__(self, relation: "duckdb.DuckDBPyRelation") -> None:
        self.failure: str | None = None
        with told("the frame"):
            self._reader = relation.to_arrow_reader(_BATCH)
        self.schema = delta_schema(self._reader.schema)

    def reader(self) -> "pa.RecordBatchReader":
        """The batches, once."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        try:
            for batch in self._reader:
                yield from pa.Table.from_batches([batch]).cast(self.schema).to_batches()
        except (
            OSError,
            pa.ArrowException,
        ) as error:  # delta-rs passes on that there was an error, and not always which
            self.failure = str(error)
            raise

    def schema_without(self, name: str) -> "pa.Schema":
        """The columns but one."""
        return self.schema.remove(self.schema.get_field_index(name))


def delta_schema(schema: "pa.Schema") -> "pa.Schema":
    """The columns in types that hold the same values and that Delta has: no unsigned numbers, and times in microseconds."""
    import pyarrow as pa

    return pa.schema([pa.field(field.name, _delta_type(field.type)) for field in schema])


def _delta_type(kind: "pa.DataType") -> "pa.DataType":
    import pyarrow as pa

    types = pa.types
    signed = {
        pa.uint8(): pa.int16(),
        pa.uint16(): pa.int32(),
        pa.uint32(): pa.int64(),
        pa.uint64(): pa.decimal128(20, 0),
    }
    if types.is_unsigned_integer(kind):
        return signed[kind]
    if types.is_timestamp(kind):
        return pa.timestamp("us", None if kind.tz is None else "UTC")
    if types.is_dictionary(kind):
        return _delta_type(kind.value_type)
    if types.is_fixed_size_list(kind) or types.is_list(kind):
        return pa.list_(_delta_type(kind.value_type))
    if types.is_map(kind):
        return pa.map_(_delta_type(kind.key_type), _delta_type(kind.item_type))
    if types.is_struct(kind):
        return pa.struct([pa.field(inner.name, _delta_type(inner.type)) for inner in kind])
    return kind
