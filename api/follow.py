"""Following an alias: ask, fetch, load, warm, swap; whatever fails, the last good model goes on serving."""

import logging
import random
import threading
from collections.abc import Callable
from pathlib import Path

from api.errors import ModelBroken
from api.predictor import Predictor, load
from api.served import Target
from api.serving import Refused, Serving
from api.shelf import Shelf
from lakehouse.errors import PlatformError, StoreUnreachable

_log = logging.getLogger(__name__)
_LONGEST_WAIT_SECONDS = 15.0


class Follower:
    """Keeps `serving` at the version that an alias names; `followed` is how the log calls it, as `name@alias`.

    `production` answers which version the alias names, None where there is none. `fetch` fills a folder with a version.
    `on_poll` is called after every question to the registry.
    """

    def __init__(
        self,
        serving: Serving,
        shelf: Shelf,
        *,
        followed: str,
        production: Callable[[], Target | None],
        fetch: Callable[[Target, Path], None],
        poll_seconds: float = 2.0,
        on_poll: Callable[[], object] | None = None,
    ) -> None:
        self._serving, self._shelf, self._followed = serving, shelf, followed
        self._production, self._fetch, self._on_poll = production, fetch, on_poll
        self._poll_seconds = poll_seconds
        self._failures = 0
        self._told: dict[str, str | None] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Begins to follow, in a thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Ends following; the model goes on serving."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def restore(self) -> None:
        """Serves the version that was served last on this machine, before the registry is asked."""
        place = self._shelf.current()
        if place is None:
            return
        try:
            self._swap(load(place), "served before the restart")
        except ModelBroken as error:
            _log.error("the version kept in %s is not served again: %s", place, error)

    def poll(self) -> float:
        """Asks the registry once and follows; the seconds to wait before the next time."""
        try:
            self._follow()
            self._failures = 0
        except PlatformError:
            self._failures += 1
        self._call_on_poll()
        return self._wait_seconds()

    def _run(self) -> None:
        wait_seconds = 0.0
        self._guarded(self.restore)
        while not self._stopped.wait(wait_seconds):
            found = self._guarded(self.poll)
            wait_seconds = found if isinstance(found, float) else self._wait_seconds()

    def _guarded(self, step: Callable[[], object]) -> object:
        # The one place that catches everything: a follower that died would leave an old model serving in silence.
        try:
            return step()
        except Exception:
            self._failures += 1
            _log.exception("following the alias failed")
            return None

    def _follow(self) -> None:
        try:
            target = self._production()
        except PlatformError as error:
            self._note("registry", f"does not answer: {error}", logging.WARNING)
            raise
        self._note("registry", None)
        if target is None:
            self._note("alias", f"no version is {self._followed}", logging.WARNING)
            return
        self._note("alias", None)
        self._move_to(target)

    def _move_to(self, target: Target) -> None:
        serving = self._serving
        refused = serving.following.refused
        if serving.predictor is not None and _is_same(serving.predictor.card.target, target):
            serving.note(refused=None)
            self._note("fetch", None)
            return
        if refused is not None and refused.target == target:
            return
        serving.note(reason=f"version {target.version} is being fetched")
        try:
            place, predictor = self._brought(target)
        except ModelBroken as error:
            self._note("fetch", None)
            serving.note(refused=Refused(target=target, reason=str(error)), reason=f"version {target.version}: {error}")
            _log.error("version %s of %s is not served: %s", target.version, self._followed, error)
            return
        except PlatformError as error:
            self._note("fetch", str(error), logging.WARNING)
            raise
        self._note("fetch", None)
        self._swap(predictor, "named by the alias")
        serving.note(refused=None)
        try:
            self._shelf.point(place)
        except StoreUnreachable as error:
            _log.warning("a restart without the registry will not find version %s: %s", target.version, error)

    def _brought(self, target: Target) -> tuple[Path, Predictor]:
        """A version, loaded; one that was kept here and has become unreadable is fetched anew, once."""
        was_kept = self._shelf.holds(target)
        place = self._shelf.bring(target, self._fetch)
        try:
            return place, _loaded(place, target)
        except ModelBroken:
            self._shelf.drop(place)
            if not was_kept:
                raise
        return self._brought(target)

    def _swap(self, predictor: Predictor, why: str) -> None:
        before = self._serving.predictor
        self._serving.predictor = predictor
        card = predictor.card
        told = "none" if before is None else f"version {before.card.version}"
        _log.info("%s: version %s answers from now on (%s); before it %s", self._followed, card.version, why, told)

    def _note(self, what: str, reason: str | None, level: int = logging.INFO) -> None:
        """Keeps a reason for /readyz, and logs it when it is new."""
        self._serving.note(**{what: reason})
        if reason is not None:
            self._serving.note(reason=reason if what != "registry" else f"the registry {reason}")
        if self._told.get(what) == reason:
            return
        self._told[what] = reason
        kept = self._serving.predictor
        goes_on = f"; version {kept.card.version} goes on serving" if kept and reason else ""
        _log.log(level, "%s: %s: %s%s", self._followed, what, reason or "in order again", goes_on)

    def _call_on_poll(self) -> None:
        if self._on_poll is None:
            return
        try:
            self._on_poll()
            self._told["on_poll"] = None
        except PlatformError as error:
            if self._told.get("on_poll") != str(error):
                _log.warning("what is done after each question to the registry failed: %s", error)
            self._told["on_poll"] = str(error)

    def _wait_seconds(self) -> float:
        # Jitter keeps many servers from asking one registry at the same moment.
        longest = max(self._poll_seconds, _LONGEST_WAIT_SECONDS)
        return float(min(self._poll_seconds * 2 ** min(self._failures, 10), longest) * random.uniform(0.8, 1.2))


def _loaded(place: Path, target: Target) -> Predictor:
    predictor = load(place)
    if not _is_same(predictor.card.target, target):
        raise ModelBroken(f"version {target.version} was wanted, and version {predictor.card.version} came")
    return predictor


def _is_same(found: Target, wanted: Target) -> bool:
    return found.version == wanted.version and (not wanted.run_id or found.run_id == wanted.run_id)
