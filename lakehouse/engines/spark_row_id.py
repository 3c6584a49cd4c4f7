"""What a row in Spark is known by: a hash of its values as JSON, in which values that differ are never written the same."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakehouse.audit import ROW_ID

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType, MapType

_ROUGH = {"ignoreNullFields": "false"}
_EXACT = {
    **_ROUGH,
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}
_NOUGHTS = r'(:\d\d\.\d{3})000(Z?")'


def identified(rows: "DataFrame", columns: Sequence[str]) -> "DataFrame":
    """The rows with their ids; of equal rows, each has a number of its own."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    values = F.struct(*(_told(F.col(_named(name)), rows.schema[name].dataType).alias(name) for name in columns))
    hashed = rows.withColumn(ROW_ID, F.substring(F.sha2(_text(values), 256), 1, 16))
    number = F.row_number().over(Window.partitionBy(ROW_ID).orderBy(ROW_ID)).cast("string")
    return hashed.withColumn(ROW_ID, F.concat(ROW_ID, F.lit("-"), number))


def _text(values: "Column") -> "Column":
    """The values as JSON; without the microseconds of times where all have none, as ids were made before they counted."""
    from pyspark.sql import functions as F

    rough, exact = F.to_json(values, _ROUGH), F.to_json(values, _EXACT)
    return F.when(F.regexp_replace(exact, _NOUGHTS, "$1$2") == rough, rough).otherwise(exact)


def _told(value: "Column", kind: "DataType") -> "Column":
    """The value, with maps as entries where JSON would not tell their keys apart."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import ArrayType, MapType, StructType

    if not _hides_keys(kind):
        return value
    if isinstance(kind, ArrayType):
        return F.transform(value, lambda each: _told(each, kind.elementType))
    if isinstance(kind, StructType):
        fields = [_told(value.getField(f.name), f.dataType).alias(f.name) for f in kind.fields]
        return F.when(value.isNotNull(), F.struct(*fields))
    assert isinstance(kind, MapType)
    return _entries(value, kind)


def _entries(value: "Column", kind: "MapType") -> "Column":
    from pyspark.sql import functions as F

    def told(entry: "Column") -> "Column":
        parts = {"key": kind.keyType, "value": kind.valueType}
        return F.struct(*(_told(entry.getField(name), part).alias(name) for name, part in parts.items()))

    return F.transform(F.map_entries(value), told)


def _hides_keys(kind: "DataType") -> bool:
    """Whether there is a map in it whose keys JSON writes by their place in memory, or without quotes."""
    from pyspark.sql.types import ArrayType, BinaryType, MapType, StructType

    if isinstance(kind, MapType):
        return isinstance(kind.keyType, BinaryType | ArrayType | StructType) or _hides_keys(kind.valueType)
    if isinstance(kind, ArrayType):
        return _hides_keys(kind.elementType)
    return isinstance(kind, StructType) and any(_hides_keys(field.dataType) for field in kind.fields)


def _named(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"
