"""Looking at what others write: each look goes on from the place where the last one ended, and says what is new."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from lakehouse.anywhere import FilesAnywhere
from lakehouse.arrivals import Listed, arrived, digest, listed
from lakehouse.files import Files
from lakehouse.settings import LakeSettings
from lakehouse.table import Location
from lakehouse.tail import End, follow

Plain = dict[str, JsonValue]
"""What JSON can hold."""

_FIRST_NAMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one look found: up to where all is seen now, and what is to be told of it; None where nothing is new."""

    place: Plain
    news: Plain | None = None


class Look(Protocol):
    """Looks once, on from a place, or from the beginning where there is none."""

    def __call__(self, place: object) -> Sight:
        """Where it ends and what is new; a place of another form is none."""
        ...


class TableLook:
    """Looks at the log of a Delta table. News name the range of the new versions."""

    def __init__(self, settings: LakeSettings, location: Location) -> None:
        self._settings, self._location = settings, location

    def __call__(self, place: object) -> Sight:
        """Lists the log after the last commit that was seen."""
        tail = follow(self._files, self._location, _end(place))
        reached: Plain = {"name": tail.end.name, "identity": tail.end.identity}
        if tail.newer is None:
            return Sight(place=reached)
        first, last = tail.newer
        return Sight(place=reached, news={"table": self._location.uri, "from": first, "to": last})

    @cached_property
    def _files(self) -> Files:
        return FilesAnywhere(self._settings)


class FolderLook:
    """Looks at the files under a pattern of the landing folder. News say how many are new, and name the newest few.

    Which are new is not known after a restart: then news tell of all as if they were, the newest first.
    """

    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder, self._pattern = folder, pattern
        self._last: Listed = {}

    def __call__(self, place: object) -> Sight:
        """Lists the folder. What was found last is remembered as long as this process lives, its digest for longer."""
        seen = str(place["seen"]) if isinstance(place, Mapping) and "seen" in place else None
        before = self._last if digest(self._last) == seen else None
        found = listed(self._folder, self._pattern, time.time())
        names, reached = arrived(found, seen, before), digest(found)
        self._last = found
        if not names:
            return Sight(place={"seen": reached})
        news: Plain = {"files": len(names), "names": list(names[:_FIRST_NAMES]), "seen": reached}
        return Sight(place={"seen": reached}, news=news)


def _end(place: object) -> End | None:
    if not isinstance(place, Mapping) or not {"name", "identity"} <= place.keys():
        return None
    return End(name=str(place["name"]), identity=str(place["identity"]))
