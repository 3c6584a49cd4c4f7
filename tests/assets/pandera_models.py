"""Pandera models of a test's own; whoever imports them imports Pandera, which takes seconds."""

from datetime import date, datetime
from typing import ClassVar

import pandera.pandas as pan


class Orders(pan.DataFrameModel):
    """Every check that has a translation."""

    id: int = pan.Field(unique=True, ge=1, lt=1000)
    amount: float = pan.Field(gt=0, le=99.5)
    share: float = pan.Field(in_range={"min_value": 0, "max_value": 1, "include_max": False}, nullable=True)
    land: str = pan.Field(isin=["fi", "it's", "b\\d"], nullable=True)
    code: str = pan.Field(str_matches=r"[a-z]{2}\d+\\?$", str_length={"min_value": 3, "max_value": 5})
    note: str = pan.Field(str_startswith="a{", str_endswith="}'", str_contains=r"\.", notin=["a{.x}'"], nullable=True)
    level: int = pan.Field(eq=3, ne=4)


class Small(pan.DataFrameModel):
    """Columns of which none may stand beside, and a pair that is unique."""

    a: int = pan.Field(ge=1)
    at: datetime = pan.Field(le=datetime(2024, 1, 1), nullable=True)

    class Config:
        """For the whole frame."""

        strict = True
        unique: ClassVar = ["a", "at"]


SOFT = pan.DataFrameSchema(
    {"a": pan.Column(date, pan.Check.isin([date(2024, 1, 1)], raise_warning=True), nullable=True)}
)
STRICT = pan.DataFrameSchema(Orders.to_schema().columns, strict=True)


def of(column: pan.Column, **options: object) -> pan.DataFrameSchema:
    """A schema of one column."""
    return pan.DataFrameSchema({"a": column}, **options)


REFUSED = {
    "mine": of(pan.Column(int, pan.Check(lambda s: s > 0, name="mine"))),
    "unnamed": of(pan.Column(int, pan.Check(lambda s: s > 0))),
    "coerced": of(pan.Column(int, coerce=True)),
    "all coerced": of(pan.Column(int), coerce=True),
    "optional": of(pan.Column(int, required=False)),
    "pattern": of(pan.Column(int, regex=True)),
    "time": of(pan.Column("timedelta64[ns]")),
    "index": of(pan.Column(int), index=pan.Index(int)),
    "filter": of(pan.Column(int), strict="filter"),
    "ordered": of(pan.Column(int), ordered=True),
    "whole": of(pan.Column(int), checks=pan.Check(lambda f: True, name="whole")),
    "objects": of(pan.Column(object, pan.Check.isin([object()]))),
    "values": of(pan.Column(object, pan.Check.unique_values_eq([1]))),
}
