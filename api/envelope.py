"""What every answer has around it: the request's identity, and headers that leave a browser nothing to misuse."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem import answer_of, other_name
from api.request_id import HEADER, KEY, request_id
from lakehouse.errors import PlatformError

_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_ONLY_TLS = (b"strict-transport-security", b"max-age=31536000")


class Envelope:
    """Pure ASGI: an answer may say a header in its own way, such as a page its policy; what it does not say is added.

    A defect is answered here, where its answer gets the same; it goes on to the server, which logs it with its trace.
    """

    def __init__(self, app: ASGIApp, *, is_tls: bool = False) -> None:
        self._app = app
        self._safe = (*_SAFE, _ONLY_TLS) if is_tls else _SAFE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = scope[KEY] = request_id(scope["headers"])
        is_answered = False

        async def sealed(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                said = message.get("headers", ())
                names = {name for name, _ in said}
                added = [pair for pair in self._safe if pair[0] not in names]
                message["headers"] = [*said, (HEADER, identity.encode()), *added]
            await send(message)

        try:
            await self._app(scope, receive, sealed)
        except Exception as error:
            if not is_answered:
                # The answer says nothing of the inside.
                await answer_of(PlatformError(error), also=other_name(scope["path"]))(scope, receive, sealed)
            raise
