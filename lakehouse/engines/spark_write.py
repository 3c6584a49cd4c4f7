"""Commits a Spark DataFrame: in place of all rows, added to them, or merged with them by key."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from lakehouse.engine import Publication
from lakehouse.engines.spark_session import SparkConnection
from lakehouse.errors import CommitTaken, SchemaRefused
from lakehouse.merge import DELETED, EXAMPLES, Merge, check_key_columns, check_keys, check_keys_are_old
from lakehouse.schema import Fit, Schema, check_frame, fit, joint
from lakehouse.table import Location

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_CONFLICT = re.compile(r"Concurrent\w+Exception|(?:ProtocolChanged|MetadataChanged)Exception")
_MISSING = re.compile(r"PATH_NOT_FOUND|DELTA_TABLE_NOT_FOUND|DELTA_PATH_DOES_NOT_EXIST|DELTA_MISSING_DELTA_TABLE")
_BAD_NAME = re.compile(r"[ ,;{}()\n\t=]")  # Delta keeps such names only where the table maps them to others
_views = count(1)  # the views of one session share their names


def publish(connection: SparkConnection, session: "SparkSession", frame: "DataFrame", publication: Publication) -> None:
    """Makes the commit, or none where its sequence has been committed already; in the session that the frame is of."""
    for name, value in publication.properties.items():
        session.conf.set(f"spark.databricks.delta.properties.defaults.{name.removeprefix('delta.')}", value)
    place = publication.location.uri
    check_frame(place, frame.columns, schema_of(frame))
    if publication.write == "replace" and publication.replace_where is None:
        _write(frame, publication)
        return
    table = _table(session, publication.location)
    if publication.write == "replace":
        _write(*_beside_the_rest(session, frame, publication, table))
        return
    if isinstance(publication.write, Merge):
        _merge(connection, session, frame, publication, publication.write, table)
    else:
        _write(
            _fitted(frame, fit(place, table, schema_of(frame), evolve=publication.evolve)) if table else frame,
            publication,
        )


def _beside_the_rest(
    session: "SparkSession", frame: "DataFrame", publication: Publication, table: Schema
) -> "tuple[DataFrame, Publication]":
    """A frame that takes the place of some rows, in the table's types; where those are too narrow, with all other rows."""
    from pyspark.sql import functions as F

    place, came = publication.location.uri, schema_of(frame)
    types = joint(place, table, came)
    fitted = _fitted(frame, fit(place, types, came, evolve=True))
    if all(types[name] == kind for name, kind in table.items()):
        return fitted, publication
    there = session.read.format("delta").load(publication.location.spark_uri)
    rest = there.filter(~F.coalesce(F.expr(publication.replace_where or "true"), F.lit(False)))
    whole = _fitted(rest, fit(place, types, table, evolve=True)).unionByName(fitted, allowMissingColumns=True)
    return whole, replace(publication, replace_where=None, evolve=False)


def schema_of(frame: "DataFrame") -> Schema:
    """The columns of a frame in Delta's words."""
    return {field["name"]: field["type"] for field in json.loads(frame.schema.json())["fields"]}


def _check_keys(frame: "DataFrame", publication: Publication, merge: Merge) -> None:
    """Refuses keys that are NULL or not unique, in one pass over the key columns."""
    from pyspark.sql import functions as F

    keys = [_column(name) for name in merge.on]
    null = F.lit(False)
    for key in keys:
        null = null | key.isNull()
    counted = frame.groupBy(*keys).agg(F.count(F.lit(1)).alias(DELETED))
    wrong = counted.filter((F.col(DELETED) > 1) | null).orderBy(~null).limit(EXAMPLES).collect()
    found = [{name: row[place] for place, name in enumerate(merge.on)} for row in wrong]
    check_keys(publication.location.uri, merge, found)


def _write(frame: "DataFrame", publication: Publication) -> None:
    overwrite = publication.write == "replace"
    options = {
        "userMetadata": publication.metadata,
        "txnAppId": publication.application,
        "txnVersion": str(publication.sequence),
        "mergeSchema": str(publication.evolve).lower(),
    }
    mapped = [name for name in _names(json.loads(frame.schema.json())) if _BAD_NAME.search(name)]
    if mapped:
        options["delta.columnMapping.mode"] = "name"  # counts for a new table alone
    if publication.replace_where is not None:
        options["replaceWhere"] = publication.replace_where
    elif overwrite:
        options["overwriteSchema"] = "true"
    writer = frame.write.format("delta").mode("overwrite" if overwrite else "append").options(**options)
    _told(lambda: writer.save(publication.location.spark_uri), publication, mapped)


def _merge(
    connection: SparkConnection,
    session: "SparkSession",
    frame: "DataFrame",
    publication: Publication,
    merge: Merge,
    table: Schema,
) -> None:
    from pyspark.sql import functions as F

    place = publication.location.uri
    check_key_columns(place, merge, schema_of(frame))
    deleted = F.expr(merge.delete) if merge.delete is not None else F.lit(False)
    marked = frame.withColumn(DELETED, F.coalesce(deleted, F.lit(False))).drop(*merge.drop)
    came = schema_of(marked.drop(DELETED))
    fitting = fit(place, table or came, came, evolve=publication.evolve)
    check_keys_are_old(place, merge, fitting.added)
    _check_keys(frame, publication, merge)
    if not table:
        _write(marked.filter(~F.col(DELETED)).drop(DELETED), publication)
        return
    view = f"__lakeline_merge_{next(_views)}"
    _fitted(marked, fitting, DELETED).createOrReplaceTempView(view)
    sql = _merge_sql(publication.location, view, merge, fitting)
    try:
        with connection.committing(session, _confs(publication)):
            new = [name for name in fitting.added if _BAD_NAME.search(name)]
            _told(lambda: session.sql(sql).collect(), publication, new)
    finally:
        session.catalog.dropTempView(view)


def _merge_sql(location: Location, view: str, merge: Merge, fitting: Fit) -> str:
    keys = " AND ".join(f"t.{_quoted(name)} = s.{_quoted(name)}" for name in merge.on)
    # Not t.name: a column that the table does not have yet is found in the source alone.
    updated = ", ".join(f"{_quoted(n)} = s.{_quoted(n)}" for n in fitting.columns if n not in merge.on)
    names = ", ".join(map(_quoted, fitting.columns))
    values = ", ".join(f"s.{_quoted(name)}" for name in fitting.columns)
    return " ".join(
        (
            f"MERGE {'WITH SCHEMA EVOLUTION ' if fitting.added else ''}INTO delta.{_quoted(location.spark_uri)} t",
            f"USING {view} s ON {keys} WHEN MATCHED AND s.{DELETED} THEN DELETE",
            f"WHEN MATCHED THEN UPDATE SET {updated}" if updated else "",
            f"WHEN NOT MATCHED AND NOT s.{DELETED} THEN INSERT ({names}) VALUES ({values})",
        )
    )


def _confs(publication: Publication) -> Mapping[str, str]:
    """What tells a MERGE what a write is told by options; a write's own options win over these."""
    return {
        "spark.databricks.delta.commitInfo.userMetadata": publication.metadata,
        "spark.databricks.delta.write.txnAppId": publication.application,
        "spark.databricks.delta.write.txnVersion": str(publication.sequence),
    }


def _table(session: "SparkSession", location: Location) -> Schema:
    """The columns of a table as it is now; none where there is no table."""
    from pyspark.errors import AnalysisException

    try:
        return schema_of(session.read.format("delta").load(location.spark_uri))
    except AnalysisException as error:
        if _MISSING.search(str(error)):
            return {}
        raise


def _fitted(frame: "DataFrame", fitting: Fit, *others: str) -> "DataFrame":
    columns = [_column(name).cast(kind) if kind else _column(name) for name, kind in fitting.columns.items()]
    named = [column.alias(name) for column, name in zip(columns, fitting.columns, strict=True)]
    return frame.select(*named, *others)


def _told(act: Callable[[], object], publication: Publication, mapped: Sequence[str] = ()) -> None:
    """Does it, and words what Delta says of a writer that was quicker, or of names, as ours."""
    from pyspark.errors import PySparkException

    try:
        act()
    except PySparkException as error:
        text = str(error)
        if _CONFLICT.search(text):
            raise CommitTaken(publication.application, publication.sequence) from error
        if "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES" in text:
            reason = (
                f"columns {', '.join(map(repr, mapped))} hold a space or one of ,;{{}}()=, which only a table that was made "
                "with such a column can hold; rename them in the function"
            )
            raise SchemaRefused(publication.location.uri, reason) from error
        raise


def _names(kind: object) -> list[str]:
    """All names in a type, nested ones too."""
    if isinstance(kind, list):
        return [name for item in kind for name in _names(item)]
    if not isinstance(kind, Mapping):
        return []
    own = [str(kind["name"])] if "name" in kind else []
    return own + [name for item in kind.values() for name in _names(item)]


def _column(name: str) -> "Column":
    from pyspark.sql import functions as F

    return F.col(_quoted(name))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
