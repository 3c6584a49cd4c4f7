"""DuckDB computes, delta-rs writes: the engine for tables that Spark never writes. Its frames are DuckDB relations."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from lakehouse.audit import Audit, Pinned, Rule
from lakehouse.distance import Distance
from lakehouse.duck import connect, named, quoted, reason, scan, told
from lakehouse.engine import EngineName, Publication
from lakehouse.engines.duck_audit import DuckAudit
from lakehouse.engines.duck_distance import Side, distances
from lakehouse.engines.duck_write import publish
from lakehouse.errors import ComputeFailed, VersionUnreadable
from lakehouse.schema import clashes
from lakehouse.settings import LakeSettings
from lakehouse.table import Location

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class DuckConnection:
    """One database in memory, opened on first use; each thread takes a cursor of its own."""

    def __init__(self, settings: LakeSettings) -> None:
        self._settings = settings
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._opening = threading.Lock()

    def cursor(self) -> "duckdb.DuckDBPyConnection":
        """A cursor, which sees what the others see."""
        with self._opening:
            if self._opened is None:
                self._opened = connect(self._settings)
            return self._opened.cursor()


class DuckEngine:
    """Reads pinned versions with `delta_scan` in this process and commits with delta-rs, one asset at a time."""

    def __init__(self, settings: LakeSettings, connection: DuckConnection) -> None:
        self._settings, self._shared = settings, connection
        self._kept: list[str] = []

    @property
    def name(self) -> EngineName:
        """The name that an author gives."""
        return "duckdb"

    def read(self, location: Location, version: int) -> object:
        """A table at a version, as a relation."""
        import duckdb

        try:
            return self._connection.sql(f"SELECT * FROM {scan(location, version)}")
        except duckdb.Error as error:
            raise VersionUnreadable(location.uri, version, reason(str(error)).splitlines()[0]) from error

    def read_arrow(self, location: Location, version: int) -> "pa.Table":
        """A table at a version, as Arrow."""
        import duckdb

        frame = _relation(self.read(location, version))
        try:
            return frame.to_arrow_table()
        except duckdb.Error as error:
            raise VersionUnreadable(location.uri, version, reason(str(error)).splitlines()[0]) from error

    def count(self, location: Location, version: int) -> int:
        """How many rows a version has; each file is asked, so that it raises where one is gone."""
        import duckdb

        frame = _relation(self.read(location, version))
        try:
            return int(frame.count("*").fetchall()[0][0])
        except duckdb.Error as error:
            raise VersionUnreadable(location.uri, version, reason(str(error)).splitlines()[0]) from error

    def rows_between(self, location: Location, before: int, after: int) -> tuple[int, int]:
        """How many rows the later version has that the earlier had not, and how many it no longer has."""
        old, new = (_relation(self.read(location, version)) for version in (before, after))
        if old.columns != new.columns:
            return len(new), len(old)
        with told("the rows between two versions"):
            return len(new.except_(old)), len(old.except_(new))

    def distances(self, location: Location, before: int, after: int) -> tuple[Distance, ...]:
        """How far each numeric column that both versions have moved between them."""
        old, new = (
            Side(version=version, rows=self.count(location, version), frame=_relation(self.read(location, version)))
            for version in (before, after)
        )
        return tuple(distances(self._connection, location, old, new))

    def from_arrow(self, rows: "pa.Table") -> object:
        """Rows that came from elsewhere, as a relation."""
        return self._told_relation(rows)

    def columns(self, frame: object) -> Mapping[str, str]:
        """The names of a frame's columns and their types, in SQL's words."""
        relation = self._told_relation(frame)
        return {name: str(kind).lower() for name, kind in zip(relation.columns, relation.types, strict=True)}

    def with_columns(self, frame: object, constants: Mapping[str, str | int]) -> object:
        """The frame with constant columns added."""
        added = [
            f"{quoted(value) if isinstance(value, str) else f'{value}::BIGINT'} AS {named(name)}"
            for name, value in constants.items()
        ]
        return self._told_relation(frame).project(", ".join(["*", *added]))

    def with_suffix(self, frame: object, column: str, suffix: str) -> object:
        """The frame with a text behind each value of a column."""
        ended = f"{named(column)} || {quoted(suffix)} AS {named(column)}"
        return self._told_relation(frame).project(f"* REPLACE ({ended})")

    def audit(
        self, frame: object, rules: tuple[Rule, ...], repairs: Pinned | None = None, beside: Pinned | None = None
    ) -> Audit:
        """The frame, computed once into a table in memory and sorted by the rules."""
        audit = DuckAudit(self._connection, rules)
        try:
            with told("the frame, or a check of it,"):
                # Through Arrow, for the relation may be of a connection that the author opened.
                return audit.of(self.arrow(frame), repairs, beside)
        finally:
            self._kept += audit.kept

    def publish(self, frame: object, publication: Publication) -> None:
        """Makes the commit, or none where its sequence has been committed already."""
        publish(self._connection, self._told_relation(frame), publication, self._settings)

    def arrow(self, frame: object) -> "pa.Table":
        """A frame's rows, computed."""
        with told("the frame"):
            return self._told_relation(frame).to_arrow_table()

    def interrupt(self) -> None:
        """Ends what it computes, from another thread; what `duckdb.sql` returns has a connection of its own."""
        import duckdb

        if "_connection" in vars(self):
            self._connection.interrupt()
            duckdb.default_connection().interrupt()

    def release(self) -> None:
        """Lets go of the tables of audits."""
        import duckdb

        kept, self._kept = self._kept, []
        for table in kept:
            with suppress(
                duckdb.InterruptException
            ):  # a run that is to end must not lose what it has committed for this
                self._connection.execute(f"DROP TABLE IF EXISTS {table}")

    @cached_property
    def _connection(self) -> "duckdb.DuckDBPyConnection":
        return self._shared.cursor()

    def _told_relation(self, frame: object) -> "duckdb.DuckDBPyRelation":
        import pyarrow as pa

        if not isinstance(frame, pa.Table):
            return _relation(frame)
        if clashing := clashes(frame.column_names):  # DuckDB would give one of them another name
            raise ComputeFailed("the frame", "; ".join(clashing))
        with told("the frame"):
            return self._connection.from_arrow(frame)


def _relation(frame: object) -> "duckdb.DuckDBPyRelation":
    import duckdb

    if not isinstance(frame, duckdb.DuckDBPyRelation):
        wanted = "a DuckDB relation or an Arrow table is wanted"
        raise ComputeFailed(
            "the frame", f"{wanted}, the function returned {type(frame).__name__}; does it end with 'return'?"
        )
    return frame
