"""`/docs`: the endpoints and the fields of the model that serves, on a page that needs no other host."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.deps import serving_of
from api.predictor import Predictor
from api.schemas import Value
from api.served import Column

router = APIRouter(include_in_schema=False)
_PAGE = (Path(__file__).parent.parent / "templates" / "docs.html").read_text(encoding="utf-8")


def _only(element: str) -> str:
    """What a browser may run or apply: the one element of the page itself, known by its hash."""
    found = re.search(f"<{element}>(.*?)</{element}>", _PAGE, re.DOTALL)
    assert found is not None
    return f"'sha256-{b64encode(sha256(found[1].encode()).digest()).decode()}'"


_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_only('style')}",
        f"script-src {_only('script')}",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """A page for people; `/openapi.json` says the same to programs."""
    predictor = serving_of(request).predictor
    page = Template(_PAGE).substitute(
        model=_model(predictor),
        form=_form(predictor),
        endpoints=_endpoints(request.app.openapi()["paths"]),
    )
    return HTMLResponse(page, headers={"content-security-policy": _POLICY})


def _model(predictor: Predictor | None) -> str:
    if predictor is None:
        return "<p>No model is loaded yet; <a href='readyz'>/readyz</a> says why.</p>"
    card = predictor.card
    told = {
        "model": f"{card.name} version {card.version}",
        "MLflow run": card.run_id,
        "trained on": card.read_from or "no table",
        "serving since": predictor.since.isoformat(timespec="seconds"),
        "classes": ", ".join(f"{number} = {name}" for number, name in enumerate(card.classes)) or "none named",
        "derived here": ", ".join(f"{name} = {text}" for name, text in card.derived.items()) or "nothing",
    }
    return f"<dl>{''.join(f'<dt>{escape(key)}</dt><dd>{escape(value)}</dd>' for key, value in told.items())}</dl>"


def _form(predictor: Predictor | None) -> str:
    if predictor is None:
        return ""
    example = predictor.schema.example or {}
    rows = (_input(column, example.get(column.name)) for column in predictor.schema.columns)
    body = escape(json.dumps(example or dict.fromkeys(predictor.schema.fields, 1.0)))
    return f"<form id='try'>{''.join(rows)}<button>predict</button></form><pre id='answer'>{body}</pre>"


def _input(column: Column, value: Value) -> str:
    name, needed = escape(column.name), "required" if column.required else ""
    if column.type in ("string", "boolean"):
        texts = column.categories if column.type == "string" else ("false", "true")
        shown = str(value).lower() if isinstance(value, bool) else value
        options = (f"<option{' selected' if text == shown else ''}>{escape(text)}</option>" for text in texts)
        return f"<label>{name}<select name='{name}' data-type='{column.type}'>{''.join(options)}</select></label>"
    shown = "" if value is None else escape(str(value))
    return f"<label>{name}<input name='{name}' type='number' step='any' {needed} value='{shown}'></label>"


def _endpoints(paths: Mapping[str, Mapping[str, Mapping[str, object]]]) -> str:
    return "".join(
        f"<tr><td><code>{escape(method.upper())} {escape(path)}</code></td>"
        f"<td>{escape(str(told.get('summary', '')))}</td></tr>"
        for path, methods in paths.items()
        for method, told in methods.items()
    )
