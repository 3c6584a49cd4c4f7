"""A request that a canary fails to answer is answered by production."""

import logging
from collections.abc import Callable

from fastapi import Request
from fastapi.responses import Response

from api.deps import metrics_of
from api.serving import Chosen

_log = logging.getLogger(__name__)


def answered_by(request: Request, chosen: Chosen, answer: Callable[[Chosen], Response]) -> Response:
    """The answer of the model that was chosen; where a canary has none, that of production."""
    try:
        told = answer(chosen)
    except Exception as error:
        if chosen.instead is None:
            raise
        # What production refuses as well is the sender's fault, and not counted.
        told = answer(production_of(chosen))
        count_failure(request, chosen, error)
        return told
    count_answer(request, chosen)
    return told


def production_of(chosen: Chosen) -> Chosen:
    """What answers in the place of a canary; everything else has nobody to answer for it."""
    return chosen if chosen.instead is None else Chosen(variant="production", predictor=chosen.instead)


def count_answer(request: Request, chosen: Chosen) -> None:
    """Counts a request that a canary answered."""
    if chosen.instead is not None:
        card = chosen.predictor.card
        metrics_of(request).models.trial.requests.labels(card.name, str(card.version)).inc()


def count_failure(request: Request, chosen: Chosen, error: Exception) -> None:
    """Counts a request that a canary was asked, and that production answered."""
    count_answer(request, chosen)
    card = chosen.predictor.card
    metrics_of(request).models.trial.failures.labels(card.name, str(card.version)).inc()
    _log.warning("the canary, version %s of %s, failed, and production answered: %s", card.version, card.name, error)
