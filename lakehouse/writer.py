"""Which engine writes a table, told by its log."""

import json
from collections.abc import Sequence

from lakehouse.engine import EngineName
from lakehouse.files import Files
from lakehouse.history import Commit
from lakehouse.log import name_of
from lakehouse.table import Location

_WRITERS: tuple[tuple[str, EngineName], ...] = (("Apache-Spark", "spark"), ("delta-rs", "duckdb"))


def writer_of(files: Files, location: Location, commits: Sequence[Commit]) -> EngineName | None:
    """The engine that the newest stamp names; where none does, the one that signed the first stamped commit.

    Where none is stamped, the one that signed the first commit of all. Commits of others, such as an OPTIMIZE, make nobody
    the writer.
    """
    for commit in reversed(commits):
        told = commit.stamp.extra.get("engine") if commit.stamp else None
        if told in ("spark", "duckdb"):  # others may have written anything there
            return "spark" if told == "spark" else "duckdb"
    first = [commit for commit in commits[:1] if commit.version == 0]
    stamped = [commit for commit in commits if commit.stamp] or first
    return _signed(files, location, stamped[0].version) if stamped else None


def _signed(files: Files, location: Location, version: int) -> EngineName | None:
    log = location.child("_delta_log")
    if not files.identity(log, name_of(version)):
        return None  # only its checkpoint is left, which nobody signs
    for line in files.read(log, name_of(version)).splitlines():
        info = json.loads(line).get("commitInfo") if line.strip() else None
        if isinstance(info, dict):
            signed = str(info.get("engineInfo"))
            return next((engine for word, engine in _WRITERS if word in signed), None)
    return None
