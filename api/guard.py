"""The door as the first thing that a request meets after it was counted."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.deps import KNOWN
from api.door.door import Door
from api.errors import RequestRefused
from api.problem import answer_of, other_name


class Guard:
    """Pure ASGI: lets a request in, or answers why not; its body is not read then."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, client = scope["path"], scope.get("client")
        shown = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        try:
            scope[KNOWN] = self._door.let_in(path, shown, client[0] if client else "")
        except RequestRefused as error:
            await answer_of(error, also=other_name(path))(scope, receive, send)
            return
        await self._app(scope, receive, send)
