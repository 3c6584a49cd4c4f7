"""Checks: what must be true of a frame before it may become a version."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.audit import Otherwise

_SAME_TYPES = {
    "varchar": "string",
    "text": "string",
    "integer": "int",
    "long": "bigint",
    "short": "smallint",
    "byte": "tinyint",
    "bool": "boolean",
    "float8": "double",
    "real": "float",
    "blob": "binary",
    "timestamp with time zone": "timestamp",
    "timestamptz": "timestamp",
    "timestamp_ntz": "timestamp without time zone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Each row for which a SQL expression is not true fails; NULL is not true."""

    expression: str
    otherwise: Otherwise

    @property
    def name(self) -> str:
        """How the check is called in stamps and in the quarantine."""
        return self.expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """All rows that share their values of the columns fail."""

    columns: tuple[str, ...]
    otherwise: Otherwise

    @property
    def name(self) -> str:
        """How the check is called in stamps and in the quarantine."""
        return f"unique({', '.join(self.columns)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Each row fails whose value is not among those of an input's column; NULL refers to nothing and passes."""

    column: str
    table: str
    other_column: str
    otherwise: Otherwise

    @property
    def name(self) -> str:
        """How the check is called in stamps and in the quarantine."""
        return f"references({self.column}, {self.table}.{self.other_column})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The frame has the columns, with the types; other columns may stand beside them."""

    columns: Mapping[str, str]
    otherwise: Otherwise

    @property
    def name(self) -> str:
        """How the check is called in stamps and in the quarantine."""
        return f"matches({', '.join(f'{name} {kind}' for name, kind in self.columns.items())})"

    def mismatches(self, found: Mapping[str, str]) -> tuple[str, ...]:
        """What is wrong with a frame of these columns and types, one text for each wrong column."""
        return tuple(
            f"column {name!r} is {found.get(name, 'missing')}, wanted {kind}"
            for name, kind in self.columns.items()
            if name not in found or same_type(found[name]) != same_type(kind)
        )


Check = Rows | Unique | References | Matches


def rows(expression: str, *, otherwise: Otherwise = "fail") -> Rows:
    """Every row must make the SQL expression true: `rows("petal_length > 0", otherwise="quarantine")`."""
    return Rows(expression=expression, otherwise=otherwise)


def unique(*columns: str, otherwise: Otherwise = "fail") -> Unique:
    """No two rows may share their values of the columns; where some do, all of them fail."""
    return Unique(columns=columns, otherwise=otherwise)


def references(column: str, table: str, other_column: str, *, otherwise: Otherwise = "fail") -> References:
    """Every value of the column must be a value of another table's column; that table must be an input of the asset."""
    return References(column=column, table=table, other_column=other_column, otherwise=otherwise)


def matches(columns: Mapping[str, str], *, otherwise: Otherwise = "fail") -> Matches:
    """The frame must have these columns with these SQL types: `matches({"petal_length": "double"})`."""
    return Matches(columns=dict(columns), otherwise=otherwise)


def same_type(name: str) -> str:
    """One spelling for the types that the engines spell differently.

    >>> same_type("VARCHAR") == same_type("string")
    True
    """
    lowered = name.strip().lower()
    return _SAME_TYPES.get(lowered, lowered)
