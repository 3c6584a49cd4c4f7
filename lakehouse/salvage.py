"""What a log that cannot be understood still tells of itself."""

import json

from lakehouse.errors import StoreUnreachable
from lakehouse.files import Files
from lakehouse.log import name_of, versions_in
from lakehouse.stamp import Stamp, decode
from lakehouse.table import Location


def stamps_left(files: Files, location: Location) -> tuple[Stamp, ...]:
    """The stamps of those lines of a log that can be read, oldest first."""
    log = location.child("_delta_log")
    names = [name_of(version) for version in versions_in(files.names(log, with_folders=False))]
    told = [_told(line) for name in names for line in _lines(files, log, name)]
    return tuple(stamp for text in told if (stamp := decode(text)) is not None)


def _lines(files: Files, log: Location, name: str) -> list[str]:
    try:
        return files.read(log, name).decode(errors="replace").split("\n")
    except StoreUnreachable:
        if log.is_s3:  # there it is the store that is away, and not one file that is broken
            raise
        return []


def _told(line: str) -> object:
    try:
        return json.loads(line)["commitInfo"]["userMetadata"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
