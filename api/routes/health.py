"""`/livez` and `/readyz`: whether the process lives, and whether it can answer."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.deps import is_known, serving_of

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Whether the process lives")
async def livez() -> JSONResponse:
    """Answers 200 as long as the process runs."""
    return JSONResponse({"alive": True})


@router.get("/readyz", summary="Whether a model is loaded", responses={503: {"description": "not ready, and why"}})
async def readyz(request: Request) -> JSONResponse:
    """Answers 200 with the model that serves, 503 with the reason while there is none or while the server stops."""
    is_ready, told = serving_of(request).readiness()
    # The reason may name an address or a path of the inside.
    told = told if is_known(request) else {"ready": is_ready}
    return JSONResponse(told, status_code=200 if is_ready else 503)
