"""`/admin`: what an operator may ask of a server that runs; there only with a token for operators."""

from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from api.deps import row_body, serving_of
from api.door.door import ADMIN
from api.errors import Fault, InputRefused
from api.orders import Orders
from api.schemas import read_json

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


@router.post("/look", response_class=JSONResponse, summary="Has the registry asked at once", status_code=202)
async def look(request: Request) -> Response:
    """The answer does not wait for what the registry says; `/readyz` tells it."""
    await run_in_threadpool(_orders_of(request).look)
    return JSONResponse({"looks": True}, status_code=202)


@router.put("/canary", response_class=JSONResponse, summary="Gives the canary a share of the requests; 0 ends it")
async def canary(request: Request) -> Response:
    """Takes `{"share": 0.1}`; a version that was ended goes on with it. It holds until the server is started again."""
    share = _share(await row_body(request))

    def ordered() -> Response:
        ruling = _orders_of(request).share(share)
        return JSONResponse({"share": ruling.share})

    return await run_in_threadpool(ordered)


def _share(body: bytes) -> float:
    told = read_json(body)
    share = told.get("share") if isinstance(told, dict) else None
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise InputRefused([Fault(kind="share", field="share", reason="wanted a number from 0 to 1")])
    return float(share)


def _ordered(request: Request, wanted: bool) -> Response:
    _orders_of(request).drain(wanted)
    return _told(request)


def _told(request: Request) -> Response:
    workers = [
        {"process": seat.pid, "answering": {variant: told.version for variant, told in seat.answering.items()}}
        for seat in serving_of(request).seats()
    ]
    told = {"drain": _orders_of(request).wants_drain, "canary": serving_of(request).share, "workers": workers}
    return JSONResponse(told)


def _orders_of(request: Request) -> Orders:
    return cast(Orders, request.app.state.orders)
