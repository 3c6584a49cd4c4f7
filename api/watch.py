"""A worker's eye on what was placed: load beside the requests, warm, swap; a broken model is never swapped in."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from api.canary import Variant, read_ruling, ruling_file
from api.errors import ModelBroken
from api.intact import check_intact
from api.placed import Placed, Refused, read_placed
from api.predictor import Predictor, load
from api.seats import Answering, Seat
from api.served import Target
from api.serving import Serving
from api.shelf import Shelf, check_version
from lakehouse.errors import StoreUnreachable
from observability.metrics import ModelMetrics

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2
_AFTER_DEFECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done for a variant: load a version, let go of the one that answers, or nothing."""

    load: Target | None = None
    lets_go: bool = False


def next_step(variant: Variant, placed: Placed, *, answering: Target | None, refused: Placed | None) -> Step:
    """What follows from what was placed; what was refused is looked at again only when it was placed anew."""
    if variant == "canary" and placed.alias is not None:
        return Step(lets_go=answering is not None)
    if placed.target is None or (answering is not None and _is_same(answering, placed.target)):
        return Step()
    if refused is not None and (refused.target, refused.since) == (placed.target, placed.since):
        return Step()
    return Step(load=placed.target)


class Watcher:
    """Keeps what is served at what was placed; `files` names for each variant the file, and the alias it is of.

    `run` is the folder of the server that this worker is one of, where it is told what was decided of the canary.
    """

    def __init__(
        self,
        serving: Serving,
        shelf: Shelf,
        files: Mapping[Variant, tuple[str, Path]],
        *,
        metrics: ModelMetrics | None = None,
        tell: Callable[[Seat], None] = lambda seat: None,
        run: Path | None = None,
    ) -> None:
        self._serving, self._shelf, self._files = serving, shelf, files
        self._metrics, self._tell = metrics or ModelMetrics(), tell
        self._run_folder = run
        self._ruled: tuple[int, int] | None = None
        self._seen: dict[Variant, tuple[int, int] | None] = {}
        self._refused: dict[Variant, Placed] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begins to watch, in a thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Ends watching; the models go on serving."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def restore(self) -> None:
        """Serves what is placed, else what answered last on this machine, before the first request is taken."""
        self.look()
        alias, _ = self._files["production"]
        place = self._shelf.current(alias)
        if self._serving.predictor is not None or place is None:
            return
        try:
            check_intact(place)
            self._swap("production", load(place), time.perf_counter(), "served before the restart")
        except ModelBroken as error:
            _log.error("the version kept in %s is not served again: %s", place, error)
        self._tell(self._seat())

    def look(self) -> None:
        """Does what follows from the files, where one has changed."""
        self._look_at_ruling()
        for variant, (_, file) in self._files.items():
            if variant == "canary" and not self._serving.wants_canary:
                continue
            if (seen := _state(file)) != self._seen.get(variant, (0, 0)):
                self._obey(variant, read_placed(file))
                self._tell(self._seat())
                self._seen[variant] = seen

    def _look_at_ruling(self) -> None:
        if self._run_folder is None or (ruled := _state(ruling_file(self._run_folder))) == self._ruled:
            return
        self._serving.obey(read_ruling(self._run_folder))
        self._ruled = ruled
        _log.info("the canary answers %.4g%% of the requests from now on", self._serving.share * 100)

    def _run(self) -> None:
        pause_seconds = _LOOK_SECONDS
        while not self._stopped.wait(pause_seconds):
            pause_seconds = _LOOK_SECONDS
            try:
                self.look()
            except Exception:  # a watcher that died would leave an old model serving in silence
                _log.exception("watching what is placed failed")
                pause_seconds = _AFTER_DEFECT_SECONDS

    def _obey(self, variant: Variant, placed: Placed) -> None:
        self._serving.placed[variant] = placed
        served = self._served(variant)
        answering = served.card.target if served else None
        step = next_step(variant, placed, answering=answering, refused=self._refused.get(variant))
        if step.lets_go:
            self._serving.take_canary(None)
            _log.info("no canary answers from now on: %s", placed.alias)
        if step.load is not None:
            self._take(variant, step.load, placed)
        if answering is not None and placed.target is not None and _is_same(answering, placed.target):
            self._serving.refused.pop(variant, None)

    def _take(self, variant: Variant, target: Target, placed: Placed) -> None:
        started = time.perf_counter()
        place = self._shelf.place_of(target)
        try:
            check_version(place, target)
            check_intact(place)
            predictor = load(place)
        except ModelBroken as error:
            self._refused[variant] = placed
            self._serving.refused[variant] = Refused(target=target, reason=str(error))
            self._metrics.refusals.labels(self._shelf.folder.name, str(target.version), variant).inc()
            _log.error("version %s of %s is not served: %s", target.version, self._files[variant][0], error)
            return
        self._swap(variant, predictor, started, "named by the alias")
        self._refused.pop(variant, None)
        self._serving.refused.pop(variant, None)
        try:
            self._shelf.point(self._files[variant][0], place)
        except StoreUnreachable as error:
            _log.warning("a restart may not find version %s: %s", target.version, error)

    def _swap(self, variant: Variant, predictor: Predictor, started: float, why: str) -> None:
        before = self._served(variant)
        if variant == "canary":
            self._serving.take_canary(predictor)
        else:
            self._serving.predictor = predictor
        card = predictor.card
        self._metrics.swaps.labels(card.name, variant).inc()
        self._metrics.swap_seconds.labels(card.name, variant).observe(time.perf_counter() - started)
        told = "none" if before is None else f"version {before.card.version}"
        called = f"{card.name}@{self._files[variant][0]}"
        _log.info("%s: version %s answers from now on (%s); before it %s", called, card.version, why, told)

    def _served(self, variant: Variant) -> Predictor | None:
        return self._serving.canary if variant == "canary" else self._serving.predictor

    def _seat(self) -> Seat:
        variants: tuple[Variant, ...] = ("production", "canary")
        found = {variant: served for variant in variants if (served := self._served(variant)) is not None}
        answering = {variant: Answering.of(served) for variant, served in found.items()}
        return Seat(pid=os.getpid(), answering=answering, refused=dict(self._serving.refused))


def _state(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _is_same(found: Target, wanted: Target) -> bool:
    return found.version == wanted.version and (not wanted.run_id or found.run_id == wanted.run_id)
