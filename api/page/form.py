"""The form that tries a model: its fields as HTML, and what a person typed as the values of a row."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import parse_qsl

from api.errors import Fault
from api.predictor import Predictor
from api.schemas import RequestSchema
from api.served import Column

# Longer ones are no number that a model takes; as floats they are refused for their size.
_WHOLE = re.compile(r"[+-]?[0-9]{1,39}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUTH = {"true": True, "false": False}
_WANTED: Mapping[str, str] = {"long": "a whole number", "integer": "a whole number", "string": "one of these"}


def typed_in(body: bytes) -> dict[str, str]:
    """What a browser sends of a form, by field."""
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def example_of(predictor: Predictor) -> dict[str, str]:
    """The model's own example, as a person would type it."""
    given = predictor.schema.example or {}
    return {name: _shown(value) for name, value in given.items() if value is not None}


def values_of(schema: RequestSchema, typed: Mapping[str, str]) -> dict[str, object]:
    """The values of a row; what is not understood stays a text, so that the schema says what it wanted."""
    columns = {column.name: column for column in schema.columns}
    return {
        name: _value(columns.get(name), text)
        for name, text in typed.items()
        if name not in columns or not _is_nothing(columns[name], text)
    }


def form_of(predictor: Predictor, typed: Mapping[str, str], faults: Sequence[Fault], asks: Sequence[str]) -> str:
    """The fields with what was typed and what is wrong with it, and a button for each variant that can be asked."""
    wrong = {fault.field: fault.reason for fault in faults}
    fields = "".join(
        _field(f"field-{place}", column, typed.get(column.name), wrong.get(column.name[:100]))
        for place, column in enumerate(predictor.schema.columns)
    )
    buttons = "".join(f"<button formaction='?variant={asked}'>Ask {asked}</button>" for asked in asks)
    return (
        "<section aria-labelledby='try'><h2 id='try'>Try it</h2>"
        f"{_summary(predictor.schema, faults)}"
        f"<form method='post' action='?variant={asks[0]}' novalidate autocomplete='off'>"
        f"<div class='fields'>{fields}</div><div class='asks'>{buttons}</div></form></section>"
    )


def _summary(schema: RequestSchema, faults: Sequence[Fault]) -> str:
    if not faults:
        return ""
    places = {column.name[:100]: place for place, column in enumerate(schema.columns)}
    told = "".join(f"<li>{_named(fault, places)}{escape(fault.reason)}</li>" for fault in faults)
    return f"<div class='wrong' role='alert'><p>The model does not take this:</p><ul>{told}</ul></div>"


def _named(fault: Fault, places: Mapping[str, int]) -> str:
    if fault.field is None:
        return ""
    name = escape(fault.field)
    return f"<a href='#field-{places[fault.field]}'>{name}</a>: " if fault.field in places else f"{name}: "


def _field(place: str, column: Column, typed: str | None, reason: str | None) -> str:
    wanted = _WANTED.get(column.type, "true or false" if column.type == "boolean" else "a number")
    told = wanted if column.required else f"{wanted}, or nothing"
    attributes = f"id='{place}' name='{escape(column.name)}' aria-describedby='{place}-told'"
    if reason is not None:
        attributes, told = f"{attributes} aria-invalid='true'", reason
    if column.required:
        attributes = f"{attributes} required"
    if column.type in ("string", "boolean"):
        control = f"<select {attributes}>{_options(column, typed)}</select>"
    else:
        keys = "numeric" if column.type in ("long", "integer") else "decimal"
        control = f"<input {attributes} inputmode='{keys}' value='{escape(typed or '')}'>"
    kind = "told" if reason is None else "told wrong"
    return (
        f"<div class='field'><label for='{place}'>{escape(column.name)}</label>{control}"
        f"<p class='{kind}' id='{place}-told'>{escape(told)}</p></div>"
    )


def _options(column: Column, typed: str | None) -> str:
    texts = column.categories if column.type == "string" else tuple(_TRUTH)
    # Where nothing is chosen yet, the first category must not look as if somebody had chosen it.
    first = "<option value=''>nothing</option>" if not column.required else ""
    if column.required and typed not in texts:
        first = "<option value=''>choose one</option>"
    return first + "".join(
        f"<option value='{escape(text)}'{' selected' if text == typed else ''}>{escape(text)}</option>"
        for text in texts
    )


def _is_nothing(column: Column, text: str) -> bool:
    is_category = column.type == "string" and column.required and text in column.categories
    return not text.strip() and not is_category


def _value(column: Column | None, text: str) -> object:
    if column is None or column.type == "string":
        return text
    told = text.strip()
    if column.type == "boolean":
        return _TRUTH.get(told, told)
    if _WHOLE.fullmatch(told):
        return int(told)
    return float(told) if _DECIMAL.fullmatch(told) else told


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
