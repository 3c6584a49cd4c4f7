"""Checks of a frame's columns and their types, from a mapping, an Arrow schema or a Pandera model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from assets import sql_type, translated
from assets.check import Rows, Unique
from assets.errors import BadOption, Where
from lakehouse.audit import Otherwise

if TYPE_CHECKING:
    import pyarrow as pa

    from assets.translated import PanderaSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The frame has the columns, with the types; other columns may stand beside them, unless it has `only` these."""

    columns: Mapping[str, str]
    otherwise: Otherwise
    only: bool = False

    @property
    def name(self) -> str:
        """How the check is called in stamps."""
        only = "only " if self.only else ""
        return f"matches({only}{', '.join(f'{name} {kind}' for name, kind in self.columns.items())})"

    def mismatches(self, found: Mapping[str, str]) -> tuple[str, ...]:
        """What is wrong with a frame of these columns and types, one text for each wrong column."""
        wrong = [
            f"column {name!r} is {found.get(name, 'missing')}, wanted {kind}"
            for name, kind in self.columns.items()
            if name not in found or not sql_type.fits(found[name], kind)
        ]
        strange = [name for name in found if name not in self.columns] if self.only else []
        return (*wrong, *(f"column {name!r} is not among those wanted" for name in strange))


@overload
def matches(columns: Mapping[str, str], *, otherwise: Otherwise = "fail") -> Matches: ...


@overload
def matches(
    columns: "pa.Schema | PanderaSchema", *, otherwise: Otherwise = "fail"
) -> tuple[Matches | Rows | Unique, ...]: ...


def matches(
    columns: "Mapping[str, str] | pa.Schema | PanderaSchema", *, otherwise: Otherwise = "fail"
) -> Matches | tuple[Matches | Rows | Unique, ...]:
    """The frame must have these columns with these SQL types: `matches({"petal_length": "double"})`.

    An Arrow schema says the same, and which columns hold no NULL. A Pandera DataFrameModel or DataFrameSchema is translated
    into checks that run in the asset's engine, in the one pass. With `quarantine`, wrong rows are kept back; wrong columns
    have no rows to keep back, and fail.
    """
    if isinstance(columns, Mapping):
        return Matches(columns=dict(columns), otherwise=otherwise)
    where = Where.of_caller()
    if translated.is_pandera(columns):
        return _of_pandera(where, columns, otherwise)
    if type(columns).__module__.startswith("pyarrow"):
        return _of_arrow(where, columns, otherwise)
    wanted = 'a mapping of columns to SQL types, an Arrow schema, or a Pandera model: {"amount": "double"}'
    raise BadOption(where, "what matches(...) is given", repr(columns), wanted)


def _of_pandera(where: Where, schema: object, otherwise: Otherwise) -> tuple[Matches | Rows | Unique, ...]:
    told = translated.translated(where, schema, otherwise)
    found = Matches(columns=told.columns, only=told.only, otherwise=_of_columns(otherwise))
    return (found, *told.checks)


def _of_arrow(where: Where, schema: "pa.Schema", otherwise: Otherwise) -> tuple[Matches | Rows | Unique, ...]:
    columns = {}
    for field in schema:
        kind = sql_type.of_arrow(field.type)
        if kind is None:
            option = f"the type of column {field.name!r} in matches(...)"
            raise BadOption(where, option, repr(str(field.type)), "a type that Delta tables hold")
        columns[field.name] = kind
    filled = [
        Rows(expression="{0} IS NOT NULL", columns=(f.name,), label=f"{f.name} is not null", otherwise=otherwise)
        for f in schema
        if not f.nullable
    ]
    return (Matches(columns=columns, otherwise=_of_columns(otherwise)), *filled)


def _of_columns(otherwise: Otherwise) -> Otherwise:
    return "fail" if otherwise == "quarantine" else otherwise
