"""Spark over Connect: the default engine, whose frames are Spark DataFrames."""

import atexit
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from lakehouse.audit import FAILED_CHECKS, Audit, ReferenceRule, RowRule, Rule, UniqueRule
from lakehouse.engine import EngineName, Publication
from lakehouse.errors import CommitTaken, ComputeFailed, PlatformError, SparkUnreachable
from lakehouse.table import Location

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, DataFrameWriter, SparkSession

_MARKS = "__lakeline_failed"
_FOUND = "__lakeline_found"
_SAMPLES = 3
_UNPROXIED = "no_grpc_proxy"  # the hosts that gRPC asks directly
_CONFLICT = re.compile(r"Concurrent\w+Exception|(?:ProtocolChanged|MetadataChanged)Exception")
_RETRIES = 5  # with growing pauses, for about 17 s; pyspark's own 15 keep silent for 10 minutes


class SparkEngine:
    """Computes and writes through one Spark Connect server, reached on first use."""

    def __init__(self, remote: Callable[[], str]) -> None:
        self._remote = remote
        self._connected: SparkSession | None = None
        self._kept: list[DataFrame] = []

    @property
    def name(self) -> EngineName:
        """The name that an author gives."""
        return "spark"

    def read(self, location: Location, version: int) -> object:
        """A table at a version, as a DataFrame."""
        with _told(f"version {version} of {location}"):
            reader = self._session().read.format("delta").option("versionAsOf", str(version))
            return reader.load(location.spark_uri)

    def from_arrow(self, rows: "pa.Table") -> object:
        """Rows that came from elsewhere, as a DataFrame."""
        from pyspark.sql.pandas.types import from_arrow_schema

        with _told("a frame from rows"):
            if rows.num_rows:
                return self._session().createDataFrame(rows)
            # Spark looks for the types of a frame without rows in its rows, whatever its columns say.
            return self._session().createDataFrame([], from_arrow_schema(rows.schema, prefer_timestamp_ntz=False))

    def columns(self, frame: object) -> Mapping[str, str]:
        """The names of a frame's columns and their types, in SQL's words."""
        with _told("the frame"):
            return dict(_frame(frame).dtypes)

    def with_columns(self, frame: object, constants: Mapping[str, str | int]) -> object:
        """The frame with constant columns added."""
        from pyspark.sql import functions as F

        return _frame(frame).withColumns({name: F.lit(value) for name, value in constants.items()})

    def audit(self, frame: object, rules: tuple[Rule, ...]) -> Audit:
        """The frame, computed once, kept in Spark's memory and sorted by the rules."""
        from pyspark.sql import functions as F

        with _told("the frame, or a check of it,"):
            marked = self._marked(_frame(frame), rules).persist()
            self._kept.append(marked)
            banned = F.array(*(F.lit(rule.name) for rule in rules if rule.otherwise == "quarantine"))
            barred = F.arrays_overlap(F.col(_MARKS), banned.cast("array<string>"))
            counts = marked.agg(
                F.count(F.lit(1)),
                F.count_if(barred),
                *(F.count_if(F.array_contains(_MARKS, rule.name)) for rule in rules),
            ).collect()[0]
            failed = {rule.name: int(counts[place + 2]) for place, rule in enumerate(rules)}
            rejected = marked.filter(barred).withColumn(FAILED_CHECKS, F.array_join(_MARKS, "; ")).drop(_MARKS)
            return Audit(
                passed=marked.filter(~barred).drop(_MARKS),
                rejected=rejected,
                total=int(counts[0]),
                rejected_rows=int(counts[1]),
                failed=failed,
                samples={name: self._samples(marked, name) for name, count in failed.items() if count},
            )

    def publish(self, frame: object, publication: Publication) -> None:
        """Makes the commit, or none where its sequence has been committed already."""
        overwrite = publication.write == "replace"
        options = {
            "userMetadata": publication.metadata,
            "txnAppId": publication.application,
            "txnVersion": str(publication.sequence),
            "mergeSchema": str(publication.evolve).lower(),
        }
        if publication.replace_where is not None:
            options["replaceWhere"] = publication.replace_where
        elif overwrite:
            options["overwriteSchema"] = "true"
        with _told(f"a commit of {publication.location}"):
            session = self._session()
            for name, value in publication.properties.items():
                default = name.removeprefix("delta.")
                session.conf.set(f"spark.databricks.delta.properties.defaults.{default}", value)
            writer = _frame(frame).write.format("delta").mode("overwrite" if overwrite else "append")
            self._save(writer.options(**options), publication)

    @staticmethod
    def _save(writer: "DataFrameWriter", publication: Publication) -> None:
        from pyspark.errors import PySparkException

        try:
            writer.save(publication.location.spark_uri)
        except PySparkException as error:
            if _CONFLICT.search(str(error)):
                raise CommitTaken(publication.application, publication.sequence) from error
            raise

    def release(self) -> None:
        """Lets go of what audits kept in Spark's memory; a server that is gone holds none, and is looked for anew."""
        frames, self._kept = self._kept, []
        try:
            with _told("the memory of an audit"):
                for frame in frames:
                    frame.unpersist()
        except SparkUnreachable:
            self._connected = None

    def _session(self) -> "SparkSession":
        if self._connected is None:
            from pyspark.sql import SparkSession
            from pyspark.sql.connect.client.retries import DefaultPolicy

            address = self._remote()
            _prepare(address)
            with _told("a connection", address.split(";")[0]):
                session = SparkSession.builder.remote(address).create()
                session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
                # Or else pyspark has one more question for the server at exit, which may have ended before.
                atexit.register(session.client.close)
                session.conf.set("spark.sql.session.timeZone", "UTC")
                self._connected = session
        return self._connected

    def _marked(self, frame: "DataFrame", rules: tuple[Rule, ...]) -> "DataFrame":
        from pyspark.sql import functions as F

        for place, rule in enumerate(rules):
            if isinstance(rule, ReferenceRule):
                frame = self._with_found(frame, rule, f"{_FOUND}_{place}")
        marks = [F.when(_fails(rule, f"{_FOUND}_{place}"), F.lit(rule.name)) for place, rule in enumerate(rules)]
        marked = frame.withColumn(_MARKS, F.array_compact(F.array(*marks).cast("array<string>")))
        return marked.drop(*(f"{_FOUND}_{place}" for place in range(len(rules))))

    def _with_found(self, frame: "DataFrame", rule: ReferenceRule, mark: str) -> "DataFrame":
        from pyspark.sql import functions as F

        other = cast("DataFrame", self.read(rule.location, rule.version)).select(F.col(rule.other_column).alias(mark))
        return frame.join(other.distinct(), frame[rule.column] == F.col(mark), "left")

    @staticmethod
    def _samples(marked: "DataFrame", name: str) -> tuple[str, ...]:
        from pyspark.sql import functions as F

        rows = marked.filter(F.array_contains(_MARKS, name)).drop(_MARKS).limit(_SAMPLES).collect()
        return tuple(", ".join(f"{key}={value!r}" for key, value in row.asDict().items()) for row in rows)


def _fails(rule: Rule, found: str) -> "Column":
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    if isinstance(rule, RowRule):
        return ~F.coalesce(F.expr(rule.expression), F.lit(False))
    if isinstance(rule, UniqueRule):
        return F.count(F.lit(1)).over(Window.partitionBy(*rule.columns)) > 1
    return F.col(rule.column).isNotNull() & F.col(found).isNull()


def _frame(frame: object) -> "DataFrame":
    from pyspark.sql import DataFrame

    if not isinstance(frame, DataFrame):
        found = f"the function returned {type(frame).__name__}; does it end with 'return'?"
        raise ComputeFailed("the frame", f"a Spark DataFrame is wanted, {found}")
    return frame


def _prepare(address: str) -> None:
    """Keeps pyspark's own log off the terminal, where the error is told in words, and a local server off the proxy."""
    logging.getLogger("SQLQueryContextLogger").disabled = True
    warnings.filterwarnings("ignore", module=r"pyspark\.sql\.connect\.client\.retries")
    if address.startswith("sc://localhost:"):
        known = os.environ.get(_UNPROXIED) or os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        os.environ[_UNPROXIED] = ",".join(filter(None, (known, "localhost,127.0.0.1")))


def _sentence(text: str) -> str:
    """What an error says, with what caused it at last, without Java's stack and the query's plan."""
    said = re.split(r";?\n'|\n*JVM stacktrace|\n*Driver stacktrace|\n\s+at [\w.$]+/?", text)[0].strip()
    causes = re.findall(r"Caused by: [\w.$]+: ([^\n]+)", text)
    return f"{said} ({causes[-1].strip()})" if causes and causes[-1].strip() not in said else said


@contextmanager
def _told(what: str, address: str = "the address that answered before") -> Iterator[None]:
    """Words a foreign error as ours, without its Java stack."""
    import grpc
    from pyspark.errors import PySparkException

    try:
        yield
    except PlatformError:
        raise
    except (grpc.RpcError, PySparkException) as error:
        text = _sentence(str(error))
        unanswered = re.search(r'StatusCode\.(?:UNAVAILABLE|UNAUTHENTICATED)\s+details = "(.*)"', text)
        if unanswered or isinstance(error, grpc.RpcError):
            reason = unanswered[1] if unanswered else text.splitlines()[0]
            raise SparkUnreachable(address, reason) from error
        raise ComputeFailed(what, text) from error
