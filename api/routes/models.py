"""`/models` and `/lineage`: what is served, since when, and which data made it."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from api.canary import Variant
from api.deps import serving_of, settings_of
from api.errors import ModelBroken, NotServed
from api.predictor import Predictor
from api.served import ModelCard, read_card

router = APIRouter(tags=["models"])


@router.get("/models", response_class=JSONResponse, summary="What is served, and what was refused")
async def models(request: Request) -> Response:
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
        }
    )


@router.get("/lineage/{model}/{version}", response_class=JSONResponse, summary="Which data and code made a version")
def lineage(request: Request, model: str, version: str) -> Response:
    """The run, the code and the table versions that made a version which is served, or was and is kept here."""
    predictor = serving_of(request).predictor
    settings = settings_of(request)
    served = None if predictor is None else predictor.card
    if served is not None and (served.name, str(served.version)) == (model, version):
        return JSONResponse({**_lineage(served), "is_served": True})
    if model == settings.serve_model and version.isascii() and version.isdigit() and len(version) < 10:
        try:
            return JSONResponse({**_lineage(read_card(settings.folder / version)), "is_served": False})
        except ModelBroken:
            pass  # it is not kept here
    known = () if served is None else (f"{served.name}/{served.version}",)
    raise NotServed(f"{model}/{version}", known)


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


def _lineage(card: ModelCard) -> Mapping[str, object]:
    return {
        "model": card.name,
        "version": card.version,
        "run": card.run_id,
        "trained": None if card.trained is None else card.trained.model_dump(),
        "inputs": {key: read.model_dump() for key, read in card.inputs.items()},
        "files": dict(card.files),
    }
