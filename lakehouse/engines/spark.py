"""Spark over Connect: the default engine, whose frames are Spark DataFrames."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from lakehouse.audit import Audit, Pinned, Rule
from lakehouse.engine import EngineName, Publication
from lakehouse.engines.spark_audit import Kept, SparkAudit, keep
from lakehouse.engines.spark_session import SparkConnection
from lakehouse.engines.spark_told import told
from lakehouse.engines.spark_write import publish
from lakehouse.errors import ComputeFailed, RuleFailed, SparkUnreachable
from lakehouse.merge import Merge
from lakehouse.table import Location

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


class SparkEngine:
    """Computes and writes one asset at a time through a connection that others share; opened on first use."""

    def __init__(self, connection: SparkConnection) -> None:
        self._connection = connection
        self._kept: list[Kept] = []
        self._used: SparkSession | None = None
        self._tag = f"lakeline-{secrets.token_hex(8)}"

    @property
    def name(self) -> EngineName:
        """The name that an author gives."""
        return "spark"

    def read(self, location: Location, version: int) -> object:
        """A table at a version, as a DataFrame."""
        with told(f"version {version} of {location}"):
            reader = self._session().read.format("delta").option("versionAsOf", str(version))
            return reader.load(location.spark_uri)

    def from_arrow(self, rows: "pa.Table") -> object:
        """Rows that came from elsewhere, as a DataFrame."""
        from pyspark.sql.pandas.types import from_arrow_schema

        with told("a frame from rows"):
            # Told, for Spark looks for the types of a frame without rows in its rows, and takes a time without a zone for UTC.
            schema = from_arrow_schema(rows.schema, prefer_timestamp_ntz=True)
            held = rows if rows.num_rows else []
            return self._session().createDataFrame(held, schema)

    def columns(self, frame: object) -> Mapping[str, str]:
        """The names of a frame's columns and their types, in SQL's words."""
        with told("the frame"):
            return dict(_frame(frame).dtypes)

    def with_columns(self, frame: object, constants: Mapping[str, str | int]) -> object:
        """The frame with constant columns added."""
        from pyspark.sql import functions as F

        return _frame(frame).withColumns({name: F.lit(value) for name, value in constants.items()})

    def with_suffix(self, frame: object, column: str, suffix: str) -> object:
        """The frame with a text behind each value of a column."""
        from pyspark.sql import functions as F

        return _frame(frame).withColumn(column, F.concat(F.col(column), F.lit(suffix)))

    def audit(
        self, frame: object, rules: tuple[Rule, ...], repairs: Pinned | None = None, beside: Pinned | None = None
    ) -> Audit:
        """The frame, computed once, kept in Spark's memory and sorted by the rules."""
        audit = SparkAudit(rules, self._other)
        try:
            with told("the frame, or a check of it,"):
                return audit.of(_frame(frame), repairs, beside)
        except ComputeFailed as error:
            if (rule := audit.wrong_rule(_frame(frame))) is not None:
                raise RuleFailed(rule, error.reason) from error
            raise
        finally:
            self._kept += audit.kept

    def arrow(self, frame: object) -> "pa.Table":
        """A frame's rows, computed."""
        with told("the frame"):
            return _frame(frame).toArrow()

    def _other(self, location: Location, version: int) -> "DataFrame":
        return cast("DataFrame", self.read(location, version))

    def publish(self, frame: object, publication: Publication) -> None:
        """Makes the commit, or none where its sequence has been committed already."""
        with told(f"a commit of {publication.location}"):
            rows = _frame(frame)
            if isinstance(publication.write, Merge) and not self._kept:
                kept = keep(rows)  # the keys are looked at before the merge is made
                self._kept.append(kept)
                rows = kept.frame
            publish(self._connection, self._session(), rows, publication)

    def _session(self) -> "SparkSession":
        if self._used is None:  # one session until it is let go of, whatever others look for anew meanwhile
            self._used = self._connection.take()
            self._used.addTag(self._tag)  # for this thread, which works for one asset at a time
        return self._used

    def interrupt(self) -> None:
        """Ends what it computes, from another thread."""
        self._connection.interrupt(self._tag)

    def release(self) -> None:
        """Lets go of what audits kept in Spark's memory; a server that is gone holds none, and is looked for anew."""
        frames, self._kept = self._kept, []
        used, self._used = self._used, None
        try:
            with told("the memory of an audit"):
                for frame in frames:
                    frame.let_go()
        except SparkUnreachable:
            self._connection.forget()
        finally:
            if used is not None:
                self._connection.give_back(used)


def _frame(frame: object) -> "DataFrame":
    from pyspark.sql import DataFrame

    if not isinstance(frame, DataFrame):
        found = f"the function returned {type(frame).__name__}; does it end with 'return'?"
        raise ComputeFailed("the frame", f"a Spark DataFrame or an Arrow table is wanted, {found}")
    return frame
