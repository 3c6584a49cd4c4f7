"""What earlier commands found out about tables, so that the next one reads only the commits that are newer.

It is a cache and nothing else: whatever cannot be trusted is as if it were not there, and whatever cannot be kept is not.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from lakehouse.files import Files
from lakehouse.landing import LandedFile
from lakehouse.log import Log, find_log, name_of, versions_in
from lakehouse.present import Present, State, Told, fold, fold_of_history
from lakehouse.table import Location

FORMAT = 1
"""Another number for every change of what is kept or of how a log is folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """The folder of what is known, and the store that it is known of."""

    folder: Path
    store: str = ""

    def present(self, files: Files, location: Location, key: str) -> Present | None:
        """What the table of an asset is now; None where there is none."""
        known = self._known(location, key)
        if known is not None and (state := self._gone_on(files, location, key, *known)) is not None:
            return state.present()
        log = find_log(files, location)
        if log.is_empty:
            return None
        identity = files.identity(log.folder, name_of(log.versions[-1])) if log.versions else ""
        state = fold(files, log, key) or fold_of_history(files, log, key)
        self._keep(location, key, identity, state)
        return state.present()

    def _gone_on(self, files: Files, location: Location, key: str, identity: str, state: State) -> State | None:
        """The state after the commits that are newer; None where the log is not the one that it was, or was restored."""
        folder = location.child("_delta_log")
        found, names = files.since(folder, name_of(state.version))
        if not found or found != identity:
            return None
        newer = versions_in(names)
        if not newer:
            return state
        if newer[0] != state.version + 1 or newer[-1] - newer[0] != len(newer) - 1:
            return None
        identity = files.identity(folder, name_of(newer[-1]))
        moved = fold(files, Log(folder=folder, versions=newer, ground=None), key, state)
        if moved is not None:
            self._keep(location, key, identity, moved)
        return moved

    def _place(self, location: Location, key: str) -> Path:
        named = hashlib.sha256("\n".join((self.store, location.uri, key)).encode()).hexdigest()[:32]
        return self.folder / f"{named}.json"

    def _known(self, location: Location, key: str) -> tuple[str, State] | None:
        try:
            digest, _, text = self._place(location, key).read_text().partition("\n")
            if digest != _digest(text):
                return None
            body = json.loads(text)
            if (body["format"], body["location"], body["key"]) != (FORMAT, location.uri, key):
                return None
            return str(body["identity"]), _state(body["state"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def _keep(self, location: Location, key: str, identity: str, state: State) -> None:
        if not identity:
            return
        body = {
            "format": FORMAT,
            "location": location.uri,
            "key": key,
            "identity": identity,
            "state": asdict(state),
        }
        text = json.dumps(body, separators=(",", ":"))
        place = self._place(location, key)
        written = place.with_suffix(f".{os.getpid()}-{uuid4().hex[:8]}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            written.write_text(f"{_digest(text)}\n{text}")
            written.replace(place)
        except OSError:  # a home that is full or may not be written to costs time, and nothing else
            with contextlib.suppress(OSError):
                written.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _state(body: Mapping[str, object]) -> State:
    """The state that was kept; raises where it has another form."""
    told = dict(body)
    taken, held = told.pop("taken"), told.pop("held")
    last, stands = told.pop("last"), told.pop("stands")
    if not isinstance(taken, dict) or not isinstance(held, dict):
        raise TypeError(held)
    return State(
        version=int(str(told["version"])),
        table_id=str(told["table_id"]),
        schema=str(told["schema"]),
        effective=int(str(told["effective"])),
        last=_told(last),
        stands=_told(stands),
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
