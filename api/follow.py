"""Following an alias: ask, fetch, verify, place; whatever fails, what was placed last stays in its place."""

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from api.errors import FetchUnwanted, ModelBroken
from api.placed import Placed, Refused, read_placed, write_placed
from api.served import Target
from api.shelf import Shelf
from lakehouse.errors import PlatformError, StoreUnreachable

_log = logging.getLogger(__name__)
# A move made as soon as the registry answers again is to be served within five seconds.
_LONGEST_WAIT_SECONDS = 3.0
_SHORTEST_REST_SECONDS, _LISTEN_SECONDS = 0.5, 0.1


class Follower:
    """Keeps the file `placed` at the version that an alias names; `followed` is how the log calls it, as `name@alias`.

    `named` answers which version the alias names, None where there is none. `fetch` fills a folder with a version, for as
    long as it is told that this is the version that is wanted.
    `on_poll` is called after every question to the registry. `rung` tells when somebody said last that it has changed.
    """

    def __init__(
        self,
        shelf: Shelf,
        placed: Path,
        *,
        followed: str,
        named: Callable[[], Target | None],
        fetch: Callable[[Target, Path, Callable[[], bool]], None],
        poll_seconds: float = 1.0,
        on_poll: Callable[[], object] | None = None,
        rung: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._shelf, self._file, self._followed = shelf, placed, followed
        self._named, self._fetch, self._on_poll = named, fetch, on_poll
        self._poll_seconds, self._rung = poll_seconds, rung
        self._failures = 0
        self._placed = self._written = Placed()
        self._told: dict[str, str | None] = {}
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends following after what is being done."""
        self._stopped.set()

    def run(self) -> None:
        """Follows until it is stopped."""
        self._guarded(self.restore)
        while not self._stopped.is_set():
            heard = self._rung()
            found = self._guarded(self.poll)
            self._rest(found if isinstance(found, float) else self._wait_seconds(), heard)

    def restore(self) -> None:
        """Goes on from what was placed before the restart; what has become unreadable since is fetched anew."""
        self._written = read_placed(self._file)
        target = self._written.target
        if target is not None and self._shelf.holds(target):
            self._placed = Placed(target=target, since=self._written.since)

    def poll(self) -> float:
        """Asks the registry once and follows; the seconds to wait before the next time."""
        try:
            self._follow()
            self._failures = 0
        except PlatformError:
            self._failures += 1
        self._write()
        self._call_on_poll()
        return self._wait_seconds()

    def _guarded(self, step: Callable[[], object]) -> object:
        # The one place that catches everything: a follower that died would leave an old model serving in silence.
        try:
            return step()
        except Exception:
            self._failures += 1
            _log.exception("following %s failed", self._followed)
            return None

    def _rest(self, seconds: float, heard: int | None) -> None:
        """Waits until it is time, or somebody rings; however often one does, the registry is not asked more often."""
        until = time.monotonic() + seconds
        self._stopped.wait(min(seconds, _SHORTEST_REST_SECONDS))
        while (left := until - time.monotonic()) > 0 and self._rung() == heard:
            if self._stopped.wait(min(left, _LISTEN_SECONDS)):
                return

    def _follow(self) -> None:
        try:
            target = self._named()
        except PlatformError as error:
            since = self._placed.registry_since or datetime.now(UTC)
            self._note(registry=f"does not answer: {error}", registry_since=since)
            raise
        self._note(registry=None, registry_since=None)
        if target is None:
            self._note(alias=f"no version is {self._followed}", fetch=None, refused=None)
            return
        self._note(alias=None)
        self._move_to(target)

    def _move_to(self, target: Target) -> None:
        held, refused = self._placed.target, self._placed.refused
        if held is not None and _is_same(held, target):
            self._note(fetch=None, refused=None)
            return
        if refused is not None and refused.target == target:
            return
        self._note(doing=f"version {target.version} is being fetched")
        self._write()
        try:
            is_wanted = self._is_named_still(target)
            self._shelf.bring(target, lambda found, folder: self._fetch(found, folder, is_wanted))
        except FetchUnwanted as error:
            _log.info("%s: %s", self._followed, error)
            self._note(doing=None, fetch=None)
            return
        except ModelBroken as error:
            self._note(fetch=None, refused=Refused(target=target, reason=str(error)))
            return
        except PlatformError as error:
            self._note(fetch=str(error))
            raise
        _log.info("%s: version %s is placed", self._followed, target.version)
        doing = f"version {target.version} is being loaded"
        self._note(target=target, since=datetime.now(UTC), doing=doing, fetch=None, refused=None)
        self._tidy(target)

    def _is_named_still(self, target: Target) -> Callable[[], bool]:
        """Asks the registry as often as else: a fetch may take minutes, and the alias may move on meanwhile."""
        asked_at = time.monotonic()

        def is_wanted() -> bool:
            nonlocal asked_at
            if time.monotonic() - asked_at < self._poll_seconds:
                return True
            asked_at = time.monotonic()
            try:
                named = self._named()
            except PlatformError:
                return True  # nobody says otherwise
            return named is not None and _is_same(named, target)

        return is_wanted

    def _tidy(self, target: Target) -> None:
        try:
            self._shelf.tidy([target])
        except StoreUnreachable as error:
            _log.warning("old versions are not let go: %s", error)

    def _note(self, **changes: object) -> None:
        """Keeps what was found, and logs a reason when it is new."""
        self._placed = self._placed.model_copy(update=changes)
        refused = self._placed.refused
        told = f"version {refused.target.version} is not placed: {refused.reason}" if refused else None
        self._tell("registry", self._placed.registry)
        self._tell("alias", self._placed.alias)
        self._tell("fetch", self._placed.fetch)
        self._tell("refused", told)

    def _tell(self, what: str, reason: str | None) -> None:
        if self._told.get(what) == reason:
            return
        self._told[what] = reason
        held = self._placed.target
        goes_on = f"; version {held.version} goes on serving" if held and reason else ""
        # That an alias has no version yet is no fault.
        level = logging.WARNING if reason and (what != "alias" or held) else logging.INFO
        _log.log(level, "%s: %s: %s%s", self._followed, what, reason or "in order again", goes_on)

    def _write(self) -> None:
        if self._placed == self._written and self._file.exists():
            return
        try:
            write_placed(self._file, self._placed)
            self._written = self._placed
            self._tell("written", None)
        except StoreUnreachable as error:
            self._tell("written", str(error))

    def _call_on_poll(self) -> None:
        if self._on_poll is None:
            return
        try:
            self._on_poll()
            self._tell("journal", None)
        except PlatformError as error:
            self._tell("journal", str(error))

    def _wait_seconds(self) -> float:
        # Jitter keeps many servers from asking one registry at the same moment.
        longest = max(self._poll_seconds, _LONGEST_WAIT_SECONDS)
        return float(min(self._poll_seconds * 2 ** min(self._failures, 10), longest) * random.uniform(0.8, 1.2))


def _is_same(found: Target, wanted: Target) -> bool:
    return found.version == wanted.version and (not wanted.run_id or found.run_id == wanted.run_id)
