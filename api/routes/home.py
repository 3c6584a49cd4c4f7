"""`/`: what is served and what made it, with a form to try it, for a person with a browser."""

import time
from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.body import bare, whole_body
from api.canary import Variant
from api.deps import serving_of, settings_of
from api.errors import Fault, InputRefused, NotReady, WrongContentType
from api.page.answer import answer_of
from api.page.document import page_of
from api.page.form import example_of, form_of, typed_in, values_of
from api.page.variants import state_of, variants_of
from api.problem import plain_answer
from api.rows import Asked, Said, record, say
from api.serving import Chosen

router = APIRouter(include_in_schema=False)
_FORM = "application/x-www-form-urlencoded"


@router.get("/")
async def home(request: Request) -> Response:
    """What is served, and a form that holds the model's own example."""
    chosen = _asked(request)
    if chosen is None:
        return _page(request, status=503)
    return _page(request, form=_form(request, chosen, example_of(chosen.predictor)))


@router.post("/")
async def tried(request: Request) -> Response:
    """The same page with the answer to what was typed, or with what is wrong with it."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        return plain_answer(403, "the form of another site is not answered; open this page itself")
    if bare(request.headers.get("content-type")) != _FORM:
        raise WrongContentType(request.headers.get("content-type"), f"send the page's own form as {_FORM!r}")
    chosen, started = _asked(request), time.perf_counter()
    body = await whole_body(request.headers, request.receive, settings_of(request).serve_body_limit)
    if chosen is None:
        return _page(request, status=503)
    typed = typed_in(body)
    try:
        said = await run_in_threadpool(_said, request, chosen, typed, started)
    except InputRefused as refused:
        return _page(request, form=_form(request, chosen, typed, refused.faults), status=422)
    return _page(request, answer=answer_of(chosen, said), form=_form(request, chosen, typed))


def _asked(request: Request) -> Chosen | None:
    """The model that the page asks: production, where nothing else is chosen."""
    wanted = request.query_params.get("variant", "production")
    try:
        return serving_of(request).choose(forced="canary" if wanted == "canary" else "production")
    except NotReady:
        return None


def _said(request: Request, chosen: Chosen, typed: Mapping[str, str], started: float) -> Said:
    predictor = chosen.predictor
    rows = predictor.schema.check_rows([values_of(predictor.schema, typed)])
    asked = Asked(matrix=predictor.encoding.rows(rows), rows=lambda: rows)
    said = say(predictor, asked)
    record(request, chosen, asked, said, started)
    return said


def _form(request: Request, chosen: Chosen, typed: Mapping[str, str], faults: Sequence[Fault] = ()) -> str:
    serving = serving_of(request)
    canary = serving.choose(forced="canary").variant == "canary"
    return form_of(chosen.predictor, typed, faults, ("production", "canary") if canary else ("production",))


def _page(request: Request, *, answer: str = "", form: str = "", status: int = 200) -> Response:
    serving, settings = serving_of(request), settings_of(request)
    aliases: Mapping[Variant, str] = {"production": settings.serve_alias, "canary": settings.serve_canary_alias}
    main = answer + form + variants_of(serving, aliases)
    title = "Lakeline: what answers" if status != 422 else "Lakeline: not what the model takes"
    return page_of(title=title, state=state_of(serving), main=main, status=status)
