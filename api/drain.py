"""Sending clients away while the server stops, so that none of them is in the middle of a request when it does."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.serving import Serving

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
