"""How every error of the platform is answered over HTTP: as `application/problem+json`, by one table."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from api.door.errors import TokenTooWeak, TokenUnknown, TokenWanted, TooManyRequests
from api.errors import (
    BodyNotArrow,
    BodyNotJson,
    BodyTooLarge,
    Fault,
    InputRefused,
    NotAClassifier,
    NotReady,
    NotServed,
    RequestRefused,
    WrongContentType,
)
from lakehouse.errors import PlatformError, Transient

MEDIA_TYPE = "application/problem+json"
_KIND = "urn:lakeline:problem:"

# The first line that fits decides; what is not here is a defect and answers 500.
_ANSWERS: tuple[tuple[type[PlatformError], int, str, str], ...] = (
    (InputRefused, 422, "input-refused", "the input is not what the model takes"),
    (BodyTooLarge, 413, "body-too-large", "the body is too large"),
    (WrongContentType, 415, "wrong-content-type", "the body is of a kind that is not read here"),
    (NotServed, 404, "not-served", "the model or version is not served here"),
    (BodyNotJson, 400, "body-not-json", "the body is not JSON"),
    (BodyNotArrow, 400, "body-not-arrow", "the body is not an Arrow stream"),
    (TokenWanted, 401, "token-wanted", "a token is wanted"),
    (TokenUnknown, 401, "token-unknown", "the token is not accepted"),
    (TokenTooWeak, 403, "token-too-weak", "the token does not allow this"),
    (TooManyRequests, 429, "too-many-requests", "these are too many requests"),
    (NotAClassifier, 400, "no-probabilities", "the model tells no probabilities"),
    (RequestRefused, 400, "request-refused", "the request cannot be answered as it is"),
    (NotReady, 503, "not-ready", "no model is loaded"),
    (Transient, 503, "unavailable", "the server cannot answer now"),
    (PlatformError, 500, "defect", "the server could not answer"),
)
_CHALLENGE = 'Bearer realm="lakeline"'
_NOTHING_OF_THE_INSIDE = "the server could not answer; its log says why"


def status_of(error: PlatformError) -> int:
    """The HTTP status that answers an error."""
    return next(status for kind, status, *_ in _ANSWERS if isinstance(error, kind))


def problem_of(error: PlatformError) -> dict[str, object]:
    """The body that answers an error: the field and the reason, and nothing of the inside."""
    status, name, title = next(told for kind, *told in _ANSWERS if isinstance(error, kind))
    is_theirs = isinstance(error, RequestRefused | NotReady)
    told: dict[str, object] = {
        "type": f"{_KIND}{name}",
        "title": title,
        "status": status,
        "detail": str(error) if is_theirs else _NOTHING_OF_THE_INSIDE,
    }
    if isinstance(error, InputRefused):
        told["errors"] = [_told(fault) for fault in error.faults]
    return told


def answer_of(error: PlatformError, *, also: str | None = None) -> Response:
    """The answer to a request that ended with an error; `also` is another name under which its detail is told."""
    told = problem_of(error)
    return _response(told if also is None else told | {also: told["detail"]}, _headers_of(error))


def other_name(path: str) -> str | None:
    """The name under which clients of the Open Inference Protocol look for the reason; None on any other path."""
    return "error" if path.startswith("/v2") else None


def plain_answer(
    status: int, detail: str, headers: Mapping[str, str] | None = None, *, also: str | None = None
) -> Response:
    """The answer where HTTP itself says what is wrong, as for a path that nothing answers; `also` as for `answer_of`."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    told = {"type": "about:blank", "title": phrase, "status": status, "detail": detail}
    return _response(told if also is None else told | {also: detail}, headers)


def _headers_of(error: PlatformError) -> Mapping[str, str] | None:
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.wait_seconds)}
    if isinstance(error, TokenWanted):
        return {"WWW-Authenticate": _CHALLENGE}
    if isinstance(error, TokenUnknown):
        return {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'}
    if isinstance(error, TokenTooWeak):
        return {"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope"'}
    return {"Retry-After": "1"} if status_of(error) == 503 else None


def _response(told: Mapping[str, object], headers: Mapping[str, str] | None) -> Response:
    # A lone surrogate, which a request may hold in a name, has no UTF-8: JSON's escapes carry it.
    body = json.dumps(told).encode()
    status = told["status"]
    assert isinstance(status, int)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _told(fault: Fault) -> dict[str, object]:
    told: dict[str, object] = {"field": fault.field, "reason": fault.reason, "kind": fault.kind}
    return told if fault.row is None else told | {"row": fault.row}
