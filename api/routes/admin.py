"""`/admin`: what an operator may ask of a server that runs; there only with a token for operators."""

from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from api.deps import serving_of
from api.door.door import ADMIN
from api.orders import Orders

router = APIRouter(prefix=ADMIN, tags=["operators"])


@router.get("", response_class=JSONResponse, summary="What was ordered, and how each worker is")
async def orders(request: Request) -> Response:
    """What was ordered of this server, and with which versions its workers answer."""
    return await run_in_threadpool(_told, request)


@router.put(
    "/drain", response_class=JSONResponse, summary="Says 'not ready' in all workers, so that no more is sent here"
)
async def drain(request: Request) -> Response:
    """Requests that come all the same are answered; the server goes on running, and comes back by DELETE."""
    return await run_in_threadpool(_ordered, request, True)


@router.delete("/drain", response_class=JSONResponse, summary="Says 'ready' again")
async def undrain(request: Request) -> Response:
    """Takes the order back."""
    return await run_in_threadpool(_ordered, request, False)


def _ordered(request: Request, wanted: bool) -> Response:
    _orders_of(request).drain(wanted)
    return _told(request)


def _told(request: Request) -> Response:
    workers = [
        {"process": seat.pid, "answering": {variant: told.version for variant, told in seat.answering.items()}}
        for seat in serving_of(request).seats()
    ]
    return JSONResponse({"drain": _orders_of(request).wants_drain, "workers": workers})


def _orders_of(request: Request) -> Orders:
    return cast(Orders, request.app.state.orders)
