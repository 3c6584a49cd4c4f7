"""The four ways in which clients of MLflow send rows, brought to one: a list of rows by name."""

from collections.abc import Mapping, Sequence

from api.errors import Fault, InputRefused
from api.schemas import read_json

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def read_rows(body: bytes, features: Sequence[str]) -> list[object]:
    """The rows of a body; rows without names are in the order of the model's features."""
    told = read_json(body)
    if not isinstance(told, dict):
        raise _refused(None, f"wanted a JSON object with one of {', '.join(_FORMS)}")
    forms = [name for name in _FORMS if name in told]
    unknown = [name for name in told if name not in (*_FORMS, "params")]
    if len(forms) != 1 or unknown:
        raise _refused(unknown[0][:100] if unknown else None, f"wanted exactly one of {', '.join(_FORMS)}")
    if told.get("params"):
        raise _refused("params", "this model takes no parameters")
    form = forms[0]
    given = told[form]
    rows = _split(given) if form == "dataframe_split" else _by_column(given) if _is_columns(form, given) else given
    if not isinstance(rows, list):
        raise _refused(form, "wanted a list of rows")
    if form == "dataframe_records":
        return rows
    return [_named(number, row, features) for number, row in enumerate(rows)]


def _is_columns(form: str, given: object) -> bool:
    return form == "inputs" and isinstance(given, dict)


def _split(given: object) -> list[object]:
    if not isinstance(given, dict) or not given.keys() <= {"columns", "data", "index"}:
        raise _refused("dataframe_split", "wanted an object with columns and data")
    columns, data = given.get("columns"), given.get("data")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _refused("dataframe_split", "wanted the names of the columns as a list of texts")
    if len(set(columns)) < len(columns):
        raise _refused("dataframe_split", "a column is there twice")
    if not isinstance(data, list):
        raise _refused("dataframe_split", "wanted the data as a list of rows")
    return [_named(number, row, columns) for number, row in enumerate(data)]


def _by_column(given: Mapping[str, object]) -> list[object]:
    columns = {name: _flat(values) for name, values in given.items()}
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise _refused("inputs", "wanted as many values for each column, and at least one column")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _flat(values: object) -> list[object]:
    """One value for each row; a column of one is a list of lists in what some clients send."""
    if not isinstance(values, list):
        return [values]
    return [one[0] if isinstance(one, list) and len(one) == 1 else one for one in values]


def _named(number: int, row: object, names: Sequence[str]) -> object:
    if not isinstance(row, list):
        return row
    if len(row) != len(names):
        told = f"has {len(row)} values; wanted {len(names)}: {', '.join(names)}"
        raise InputRefused([Fault(kind="row_length", field=None, reason=told, row=number)])
    return dict(zip(names, row, strict=True))


def _refused(field: str | None, reason: str) -> InputRefused:
    return InputRefused([Fault(kind="invocation", field=field, reason=reason)])
