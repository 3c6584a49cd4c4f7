"""What an engine can do: read a pinned version, audit a frame, and publish it in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from lakehouse.audit import Audit, Pinned, Rule
from lakehouse.merge import Merge
from lakehouse.table import Location

if TYPE_CHECKING:
    import pyarrow as pa

EngineName = Literal["spark", "duckdb"]

KEPT_FOR = "interval 3650 days"
RETENTION: Mapping[str, str] = {
    "delta.logRetentionDuration": KEPT_FOR,
    "delta.deletedFileRetentionDuration": KEPT_FOR,
}
"""Table properties of the first commit: without both, a version older than a week is refused to readers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One commit to be made.

    `application` and `sequence` are Delta's transaction id: a sequence that was committed already makes no second commit.
    `metadata` is kept word for word in the commit. `replace_where` limits a replacement to the rows that it describes. An
    append or a merge of other columns than the table's is refused, unless `evolve` lets the table grow.
    """

    location: Location
    write: Literal["replace", "append"] | Merge
    metadata: str
    application: str
    sequence: int
    replace_where: str | None = None
    evolve: bool = False
    properties: Mapping[str, str] = field(default_factory=lambda: RETENTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What makes an append happen once: the numbers of one application only grow, and none is committed twice."""

    application: str
    number: int


class Engine(Protocol):
    """One way to compute and write frames; the frames are the engine's own and opaque to everybody else."""

    @property
    def name(self) -> EngineName:
        """The name that an author gives."""
        ...

    def read(self, location: Location, version: int) -> object:
        """A table at a version, as a frame."""
        ...

    def from_arrow(self, rows: "pa.Table") -> object:
        """Rows that came from elsewhere, as a frame."""
        ...

    def columns(self, frame: object) -> Mapping[str, str]:
        """The names of a frame's columns and their types, in SQL's words."""
        ...

    def with_columns(self, frame: object, constants: Mapping[str, str | int]) -> object:
        """The frame with constant columns added."""
        ...

    def with_suffix(self, frame: object, column: str, suffix: str) -> object:
        """The frame with a text behind each value of a column."""
        ...

    def audit(
        self, frame: object, rules: tuple[Rule, ...], repairs: Pinned | None = None, beside: Pinned | None = None
    ) -> Audit:
        """The frame, computed once and sorted by the rules.

        `repairs` holds mended rows, each with the `row_id` of the row that it takes the place of, where that would be kept
        back. The rows of `beside` are there already: a row that shares its values with one of them is not unique.
        """
        ...

    def arrow(self, frame: object) -> "pa.Table":
        """A frame's rows, computed."""
        ...

    def publish(self, frame: object, publication: Publication) -> None:
        """Makes the commit, or none where its sequence has been committed already."""
        ...

    def interrupt(self) -> None:
        """Ends what it computes; called from another thread. What it commits is committed whole or not at all."""
        ...

    def release(self) -> None:
        """Lets go of what an audit kept in memory."""
        ...
