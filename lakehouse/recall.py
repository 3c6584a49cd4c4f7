"""What earlier commands found out about tables, so that the next one reads only the commits that are newer.

It is a cache and nothing else: whatever cannot be trusted is as if it were not there, and whatever cannot be kept is not.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

from lakehouse.files import Files
from lakehouse.landing import LandedFile
from lakehouse.log import Log, find_log, name_of, versions_in
from lakehouse.present import Present, State, Told, fold, fold_of_history
from lakehouse.table import Location

FORMAT = 2
"""Another number for every change of what is kept or of how a log is folded."""


Ends = tuple[str, str]
"""What a log's first and last known commits are known by; it is another log where one of them is another file."""


class Recall:
    """What is known of the tables of one lake; kept in one file, which a command reads once and writes once."""

    def __init__(self, folder: Path, lake: str) -> None:
        self._place = folder / f"{hashlib.sha256(lake.encode()).hexdigest()[:32]}.json"
        self._lake = lake
        self._known = self._read()
        self._is_changed = False

    def present(self, files: Files, location: Location, key: str) -> Present | None:
        """What the table of an asset is now; None where there is none."""
        state = self._gone_on(files, location, key)
        if state is not None:
            return state.present()
        log = find_log(files, location)
        if log.is_empty:
            return None
        ends = _ends(files, log.folder, log.versions[0], log.versions[-1]) if log.versions else ("", "")
        state = fold(files, log, key) or fold_of_history(files, log, key)
        self._note(location, key, ends, state)
        return state.present()

    def keep(self) -> None:
        """Writes what is new for the next command; of two at the same time the later one is kept."""
        if not self._is_changed:
            return
        tables = [
            {"place": place, "ends": ends, "state": asdict(state)} for place, (ends, state) in self._known.items()
        ]
        text = json.dumps({"format": FORMAT, "lake": self._lake, "tables": tables}, separators=(",", ":"))
        written = self._place.with_suffix(f".{os.getpid()}-{uuid4().hex[:8]}")
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(f"{digest(text)}\n{text}")
            written.replace(self._place)
        except OSError:  # a home that is full or may not be written to costs time, and nothing else
            with contextlib.suppress(OSError):
                written.unlink(missing_ok=True)

    def _gone_on(self, files: Files, location: Location, key: str) -> State | None:
        """The state after the commits that are newer; None where the log is not the one that it was, or was restored."""
        known = self._known.get(_named(location, key))
        if known is None:
            return None
        (beginning, end), state = known
        folder = location.child("_delta_log")
        found, names = files.since(folder, name_of(state.version))
        if found != end or files.identity(folder, name_of(state.first)) != beginning:
            return None
        newer = versions_in(names)
        if not newer:
            return state
        if newer[0] != state.version + 1 or newer[-1] - newer[0] != len(newer) - 1:
            return None
        ends = beginning, files.identity(folder, name_of(newer[-1]))
        moved = fold(files, Log(folder=folder, versions=newer, ground=None), key, state.copy())
        if moved is not None:
            self._note(location, key, ends, moved)
        return moved

    def _note(self, location: Location, key: str, ends: Ends, state: State) -> None:
        if all(ends):
            self._known[_named(location, key)] = ends, state
            self._is_changed = True

    def _read(self) -> dict[str, tuple[Ends, State]]:
        try:
            written, _, text = self._place.read_text().partition("\n")
            if written != digest(text):
                return {}
            body = json.loads(text)
            if (body["format"], body["lake"]) != (FORMAT, self._lake):
                return {}
            return {str(told["place"]): (_both(told["ends"]), _state(told["state"])) for told in body["tables"]}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}


def _ends(files: Files, folder: Location, first: int, last: int) -> Ends:
    return files.identity(folder, name_of(first)), files.identity(folder, name_of(last))


def _both(ends: Sequence[object]) -> Ends:
    beginning, end = ends
    return str(beginning), str(end)


def _named(location: Location, key: str) -> str:
    return f"{location.uri}\n{key}"


def digest(text: str) -> str:
    """What tells a whole file from one that was cut off or changed."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _state(body: Mapping[str, object]) -> State:
    """The state that was kept; raises where it has another form."""
    taken, held = body["taken"], body["held"]
    if not isinstance(taken, dict) or not isinstance(held, dict):
        raise TypeError(held)
    return State(
        first=int(str(body["first"])),
        version=int(str(body["version"])),
        table_id=str(body["table_id"]),
        schema=str(body["schema"]),
        effective=int(str(body["effective"])),
        since=int(str(body["since"])),
        last=_told(body["last"]),
        stands=_told(body["stands"]),
        transaction=int(str(body["transaction"])),
        taken={name: _files(files) for name, files in taken.items()},
        held=_files(held),
    )


def _told(pair: object) -> Told | None:
    if not isinstance(pair, list):
        return None
    sequence, text = pair
    return int(sequence), str(text)


def _files(files: Mapping[str, Mapping[str, str | int]]) -> dict[str, LandedFile]:
    return {
        content: LandedFile(
            name=str(about["name"]), content=content, size=int(about["size"]), changed=int(about["changed"])
        )
        for content, about in files.items()
    }
