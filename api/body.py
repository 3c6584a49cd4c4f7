"""Reading the body of a request: of a kind that is known, within a limit."""

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from api.errors import BodyTooLarge, WrongContentType


async def json_body(headers: Headers, receive: Receive, limit_bytes: int) -> bytes:
    """The body of a request that says it is JSON."""
    kind = headers.get("content-type")
    if kind != "application/json" and not is_json(kind):
        raise WrongContentType(kind)
    return await whole_body(headers, receive, limit_bytes)


async def whole_body(headers: Headers, receive: Receive, limit_bytes: int) -> bytes:
    """The body of a request, whatever it is; more than the limit is not even read."""
    told = headers.get("content-length", "")
    if told.isdigit() and int(told[:20]) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    chunks, size, is_more = [], 0, True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        chunks.append(chunk)
        is_more = message.get("more_body", False)
    return b"".join(chunks)


def bare(kind: str | None) -> str:
    """A content type without its parameters."""
    return (kind or "").split(";", 1)[0].strip().lower()


def is_json(kind: str | None) -> bool:
    """Whether a content type is JSON, by its own or by another name."""
    told = bare(kind)
    return told == "application/json" or (told.startswith("application/") and told.endswith("+json"))
