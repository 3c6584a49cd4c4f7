"""Many rows at once: what was asked, what the model says of it, and how that is recorded."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import Request

from api.counted import CountAnswers
from api.deps import recorder_of, request_id_of
from api.log.record import Answered
from api.predictor import Predictor
from api.serving import Chosen
from api.traced import asking

if TYPE_CHECKING:
    import numpy as np

Rows = Iterable[Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Rows as the model takes them, and as they were sent."""

    matrix: "np.ndarray"
    rows: Callable[[], Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model says of rows."""

    predictions: "np.ndarray"
    probabilities: "np.ndarray | None"


def say(predictor: Predictor, asked: Asked) -> Said:
    """Asks the model, once for all rows."""
    with asking(predictor, len(asked.matrix)):
        outputs = predictor.outputs(asked.matrix)
    return Said(predictions=predictor.predictions(outputs), probabilities=predictor.probabilities(outputs))


def record(request: Request, chosen: Chosen, asked: Asked, said: Said, started: float) -> None:
    """Records each row's answer, where answers are recorded; `started` is in seconds of `time.perf_counter`."""
    recorder = recorder_of(request)
    if isinstance(recorder, CountAnswers):
        recorder = recorder.count_all(chosen, said.predictions, said.probabilities)
    if recorder is None:
        return
    card, known = chosen.predictor.card, chosen.predictor.signature.fields
    request_id, now, seconds = request_id_of(request), datetime.now(UTC), time.perf_counter() - started
    told = said.predictions.tolist()
    probabilities = [None] * len(told) if said.probabilities is None else said.probabilities.tolist()
    for row, (features, prediction, likely) in enumerate(zip(asked.rows(), told, probabilities, strict=True)):
        recorder.record(
            Answered(
                request_id=request_id,
                at=now,
                model=card.name,
                version=card.version,
                variant=chosen.variant,
                features=features,
                prediction=prediction,
                probabilities=likely,
                latency_seconds=seconds,
                row=row,
                known=known,
            )
        )
