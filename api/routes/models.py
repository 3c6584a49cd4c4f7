"""`/models` and `/lineage`: what is served, since when, and which data made it."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from api.canary import Variant
from api.deps import metrics_of, serving_of, settings_of
from api.errors import ModelBroken, NotServed
from api.predictor import Predictor
from api.served import ModelCard, read_card
from api.serving import Serving
from observability.trial import Compared, Tallies

router = APIRouter(tags=["models"])


@router.get("/models", response_class=JSONResponse, summary="What is served, and what was refused")
def models(request: Request) -> Response:
    """The versions that answer: since when, from which run and table versions; and a version that was refused, and why."""
    serving, settings = serving_of(request), settings_of(request)
    aliases: Mapping[Variant, str] = {"production": settings.serve_alias, "canary": settings.serve_canary_alias}
    return JSONResponse(
        {
            "models": [
                {"variant": found.variant, "alias": aliases[found.variant], **_told(found.predictor)}
                for found in serving.answering()
            ],
            "refused": [
                {"version": refused.target.version, "run": refused.target.run_id, "reason": refused.reason}
                for variant in aliases
                if (refused := serving.refused_anywhere(variant)) is not None
            ],
            "trial": _trial(serving, Tallies(metrics_of(request).collect())) if serving.wants_canary else None,
        }
    )


@router.get("/lineage/{model}/{version}", response_class=JSONResponse, summary="Which data and code made a version")
def lineage(request: Request, model: str, version: str) -> Response:
    """The run, the code and the table versions that made a version which is served, or was and is kept here."""
    settings = settings_of(request)
    served = [found.predictor.card for found in serving_of(request).answering()]
    for card in served:
        if (card.name, str(card.version)) == (model, version):
            return JSONResponse({**_lineage(card), "is_served": True})
    if model == settings.serve_model and version.isascii() and version.isdigit() and len(version) < 10:
        try:
            return JSONResponse({**_lineage(read_card(settings.folder / version)), "is_served": False})
        except ModelBroken:
            pass  # it is not kept here
    raise NotServed(f"{model}/{version}", tuple(f"{card.name}/{card.version}" for card in served))


def _told(predictor: Predictor) -> dict[str, object]:
    card = predictor.card
    return {
        "name": card.name,
        "version": card.version,
        "since": predictor.since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "run": card.run_id,
        "inputs": {key: read.version for key, read in card.inputs.items()},
        "answers": "a value" if predictor.reading == "value" else "a class",
        "classes": list(card.classes),
        "fields": [column.model_dump() for column in predictor.schema.columns],
        "derived": dict(card.derived),
        "golden_rows": len(card.golden.rows) if card.golden else 0,
        "note": predictor.note,
    }


def _trial(serving: Serving, tallies: Tallies) -> Mapping[str, object] | None:
    """How the second version does beside the one in production, over all workers of this server."""
    canary, production = serving.canary, serving.predictor
    if canary is None or production is None:
        return None
    version = canary.card.version
    requests, failures = tallies.canary(version)
    return {
        "version": version,
        "share": serving.share,
        "shadow": serving.shadow,
        "ended": serving.end and serving.end.model_dump(mode="json", include={"why", "at"}),
        "requests": requests,
        "failures": failures,
        "compared": {variant: _told_of(tallies.compared(version, variant)) for variant in ("canary", "shadow")},
        "production_seconds": tallies.compared(production.card.version, "production").seconds,
    }


def _told_of(compared: Compared) -> Mapping[str, object]:
    return {name: getattr(compared, name) for name in ("rows", "failed", "agreement", "distance", "seconds")}


def _lineage(card: ModelCard) -> Mapping[str, object]:
    return {
        "model": card.name,
        "version": card.version,
        "run": card.run_id,
        "trained": None if card.trained is None else card.trained.model_dump(),
        "inputs": {key: read.model_dump() for key, read in card.inputs.items()},
        "files": dict(card.files),
    }
