"""Records in a file that may end anywhere: each with its length and its checksum, so that a torn end is known as one."""

import struct
import zlib
from dataclasses import dataclass

MAGIC = b"lakeline log 1\n"
_HEAD = struct.Struct("<II")
HEAD_BYTES = _HEAD.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The records of a file, and how many bytes after the last whole one are none."""

    records: tuple[bytes, ...]
    torn_bytes: int = 0


def framed(record: bytes) -> bytes:
    """A record as it stands in a file.

    >>> read(MAGIC + framed(b"one") + framed(b"two")[:-1])
    Read(records=(b'one',), torn_bytes=10)
    """
    return _HEAD.pack(len(record), zlib.crc32(record)) + record


def read(data: bytes) -> Read | None:
    """The whole records of a file; None where it is a file of another kind."""
    # A disk that lost its power may leave zeros, at the end of a file or in place of a record.
    if not data.startswith(MAGIC):
        is_torn = MAGIC.startswith(data.rstrip(b"\0"))
        return Read(records=(), torn_bytes=len(data)) if is_torn else None
    records, place, end = [], len(MAGIC), len(data)
    while place + HEAD_BYTES <= end:
        length, checksum = _HEAD.unpack_from(data, place)
        record = data[place + HEAD_BYTES : place + HEAD_BYTES + length]
        # The checksum of nothing is zero, so zeros would be a record without content.
        if not length or len(record) < length or zlib.crc32(record) != checksum:
            break
        records.append(record)
        place += HEAD_BYTES + length
    return Read(records=tuple(records), torn_bytes=end - place)
