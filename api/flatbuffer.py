"""The one thing of an Arrow message that pyarrow does not tell before it unpacks it: whether it is packed.

The layout is that of https://github.com/apache/arrow/blob/main/format/Message.fbs: a table is found by an offset, its
fields by a table of offsets in front of it.
"""

import struct

_HEADER_KIND, _HEADER = 1, 2
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_DATA_OF_DICTIONARY, _COMPRESSION = 1, 3


def is_compressed(message: bytes) -> bool:
    """Whether the buffers of a message are compressed; raises `struct.error` where it is no message."""
    table = _offset(message, 0)
    kind, header = _field(message, table, _HEADER_KIND), _field(message, table, _HEADER)
    if kind is None or header is None or message[kind] not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return False
    batch = _offset(message, header)
    if message[kind] == _DICTIONARY_BATCH:
        data = _field(message, batch, _DATA_OF_DICTIONARY)
        if data is None:
            return False
        batch = _offset(message, data)
    return _field(message, batch, _COMPRESSION) is not None


def _offset(message: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", message, place)[0])


def _field(message: bytes, table: int, slot: int) -> int | None:
    known = table - int(struct.unpack_from("<i", message, table)[0])
    (size,) = struct.unpack_from("<H", message, known)
    if 4 + 2 * slot >= size:
        return None
    (offset,) = struct.unpack_from("<H", message, known + 4 + 2 * slot)
    return table + int(offset) if offset else None
