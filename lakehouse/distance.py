"""How far the values of a column moved between two versions of a table, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """The values of one column in two versions, and the largest distance between their distribution functions.

    `before` and `after` count the values that are numbers, infinities among them, and `missing_before` and `missing_after` those
    that are NULL or NaN. `gap` is the distance times `before` times `after`: a whole number, of which nothing was rounded.
    """

    column: str
    gap: int
    before: int
    after: int
    missing_before: int
    missing_after: int
