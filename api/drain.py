"""Sending clients away while the server stops, so that none of them is in the middle of a request when it does."""

import logging
import threading

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.orders import Orders
from api.serving import Serving

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2
_CLOSE = (b"connection", b"close")


class CloseWhileDraining:
    """Pure ASGI: closes each connection with its answer while the server drains.

    A connection that were kept would be closed at the end, at whatever moment its client sends the next request.
    """

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app, self._serving = app, serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        if not self._serving.is_draining or scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), _CLOSE]
            await send(message)

        await self._app(scope, receive, closing)


class DrainWhenOrdered:
    """Drains for as long as an operator wants it; a server that was asked to end goes on ending."""

    def __init__(self, serving: Serving, orders: Orders) -> None:
        self._serving, self._orders = serving, orders
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orders", daemon=True)

    def start(self) -> None:
        """Begins to look for orders, in a thread."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Ends looking."""
        self._stopped.set()
        self._thread.join()

    def look(self) -> None:
        """Does what is ordered at this moment."""
        wanted = self._serving.is_ending or self._orders.wants_drain
        if wanted != self._serving.is_draining:
            self._serving.is_draining = wanted
            _log.info("an operator %s this server", "drains" if wanted else "takes back the drain of")

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            self.look()
