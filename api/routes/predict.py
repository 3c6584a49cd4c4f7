"""`POST /predict`: one row in, one prediction out."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import json_body, serving_of

router = APIRouter(tags=["prediction"])


@router.post("/predict", response_class=Response, summary="Predicts one row")
async def predict(request: Request) -> Response:
    """The prediction for one row; the headers say which model answered and which table versions it was trained on."""
    # Taken before the body is awaited, and used to the end: a swap in between belongs to the next request.
    predictor = serving_of(request).need()
    body = await json_body(request)
    return Response(predictor.answer(body), media_type="application/json", headers=predictor.headers)
