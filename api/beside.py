"""Asking the other version beside the requests: what production answered a shadow, what a canary answered production."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.apart import apart, encoded
from api.log.record import Answered
from api.predictor import Predictor
from api.serving import Serving
from observability.trial import TrialMetrics

if TYPE_CHECKING:
    import numpy as np

_log = logging.getLogger(__name__)
_GATHERS_SECONDS = 0.2
_LONGEST = 4096
_TOGETHER = 512
_SLACK_SECONDS = 0.001
_MEASURES_ONE_PART_IN = 50
_LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Who answered a request, and who is asked beside it."""

    variant: str
    answered: Predictor
    other: Predictor
    on_trial: Predictor


class Beside:
    """Takes answers, and compares them in a thread with what the other version says; a request never waits for it.

    `slower` is how many times as long as production the version on trial may take; a millisecond more is nothing.
    """

    def __init__(self, serving: Serving, metrics: TrialMetrics, *, slower: float) -> None:
        self._serving, self._metrics, self._slower = serving, metrics, slower
        self._waiting: deque[Answered] = deque()
        self._measures_at = 0.0
        self._woken, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="beside", daemon=True)

    def takes(self, variant: str) -> bool:
        """Whether any of the rows that a variant answers are to be compared."""
        return self._serving.canary is not None and (variant == "canary" or self._serving.shadow > 0)

    def take(self, answered: Answered) -> None:
        """Keeps one row's answer to be compared, where there is another version and not too many wait."""
        if not self.takes(answered.variant):
            return
        if answered.variant == "production" and not random.random() < self._serving.shadow:
            return
        if len(self._waiting) >= _LONGEST:
            self._metrics.skipped.labels(_variant(answered)).inc()
            return
        self._waiting.append(answered)
        if not self._woken.is_set():
            self._woken.set()

    def start(self) -> None:
        """Begins to compare, in a thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Ends comparing; what waits is let go."""
        self._ending.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def compare(self) -> None:
        """Compares all that waits, many rows at once."""
        while self._waiting and not self._ending.is_set():
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
            for variant in ("shadow", "canary"):
                rows = [row for row in taken if _variant(row) == variant]
                pair = self._pair(variant)
                if pair is not None:
                    version = pair.answered.card.version
                    # What was answered by a version that is here no more can be compared with nothing.
                    self._of_pair(pair, [row for row in rows if row.version == version])

    def _work(self) -> None:
        while True:
            self._woken.wait()
            if self._ending.wait(_GATHERS_SECONDS):
                return
            self._woken.clear()
            try:
                self.compare()
            except Exception:  # the thread must outlive whatever a model on trial does
                _log.exception("comparing two versions failed")

    def _pair(self, variant: str) -> _Pair | None:
        production, canary = self._serving.predictor, self._serving.canary
        if production is None or canary is None or production.card.version == canary.card.version:
            return None
        if variant == "shadow":
            return _Pair(variant=variant, answered=production, other=canary, on_trial=canary)
        return _Pair(variant=variant, answered=canary, other=production, on_trial=canary)

    def _of_pair(self, pair: _Pair, rows: Sequence[Answered]) -> None:
        if not rows:
            return
        labels = (pair.on_trial.card.name, str(pair.on_trial.card.version), pair.variant)
        try:
            said = _say(pair, rows)
        except Exception as error:
            if len(rows) > 1:
                # The row that the other version has no answer for must not take the others with it.
                for row in rows:
                    self._of_pair(pair, [row])
                return
            self._metrics.failed.labels(*labels).inc()
            versions = pair.other.card.version, pair.answered.card.version
            _log.debug("version %s has no answer to what version %s answered: %s", *versions, error)
            return
        distances, is_alike = apart(rows, *said)
        self._metrics.rows.labels(*labels).inc(len(rows))
        self._metrics.agreed.labels(*labels).inc(int(is_alike.sum()))
        distance = self._metrics.distance.labels(*labels)
        for each in distances.tolist():
            distance.observe(each)
        self._measure(pair, labels, rows[-1])

    def _measure(self, pair: _Pair, labels: tuple[str, str, str], row: Answered) -> None:
        """Times both versions with one row, one right after the other, in no more than a part of the time."""
        began = time.perf_counter()
        if began < self._measures_at:
            return
        production = pair.answered if pair.on_trial is pair.other else pair.other
        ours, theirs = (encoded(each, pair.answered, [row]) for each in (production, pair.on_trial))
        usual, found = min(_seconds(production, ours), _seconds(production, ours)), _seconds(pair.on_trial, theirs)
        found = min(found, _seconds(pair.on_trial, theirs))
        self._metrics.seconds.labels(*labels).observe(found)
        self._metrics.seconds.labels(labels[0], str(production.card.version), "production").observe(usual)
        if found > self._slower * usual + _SLACK_SECONDS:
            self._metrics.slower.labels(*labels).inc()
        ended = time.perf_counter()
        self._measures_at = ended + min((ended - began) * (_MEASURES_ONE_PART_IN - 1), _LONGEST_PAUSE_SECONDS)


def _variant(answered: Answered) -> str:
    return "canary" if answered.variant == "canary" else "shadow"


def _say(pair: _Pair, rows: Sequence[Answered]) -> "tuple[np.ndarray, np.ndarray | None]":
    outputs = pair.other.outputs(encoded(pair.other, pair.answered, rows))
    return pair.other.predictions(outputs), pair.other.probabilities(outputs)


def _seconds(predictor: Predictor, matrix: "np.ndarray") -> float:
    # The time of the processor: on a busy machine the time of the clock says how busy it is.
    began = time.thread_time()
    predictor.outputs(matrix)
    return time.thread_time() - began
