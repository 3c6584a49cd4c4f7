"""Commits a DuckDB relation with delta-rs: in place of all rows, added to them, or merged with them by key."""

from dataclasses import replace
from typing import TYPE_CHECKING

from lakehouse.duck import named, scan, told
from lakehouse.engine import Publication
from lakehouse.engines import delta_rs
from lakehouse.engines.arrow_rows import Rows, delta_schema
from lakehouse.merge import DELETED, EXAMPLES, Merge, check_key_columns, check_keys, check_keys_are_old
from lakehouse.schema import Fit, Schema, check_frame, fit, joint
from lakehouse.settings import LakeSettings

if TYPE_CHECKING:
    import deltalake
    import duckdb

_SQL_TYPES = {"short": "SMALLINT", "integer": "INTEGER", "long": "BIGINT", "double": "DOUBLE"}


def publish(
    connection: "duckdb.DuckDBPyConnection",
    frame: "duckdb.DuckDBPyRelation",
    publication: Publication,
    settings: LakeSettings,
) -> None:
    """Makes the commit, or none where its sequence has been committed already; a frame is not computed for none."""
    table = delta_rs.existing(publication.location, settings)
    if table and delta_rs.is_committed(table, publication):
        return
    place = publication.location.uri
    came = _schema_of(frame)
    check_frame(place, frame.columns, came)
    if isinstance(publication.write, Merge):
        merge = publication.write
        check_key_columns(place, merge, came)
        kept = {name: kind for name, kind in came.items() if name not in merge.drop}
        fitting = _fit(publication, table, kept)
        check_keys_are_old(place, merge, fitting.added)
        marked = _marked(connection, frame, place, merge)
        if table is None:
            frame = _fitted(marked.filter(f"NOT {named(DELETED)}"), fitting)
            delta_rs.commit(Rows(frame), publication, None, settings)
        else:
            delta_rs.merge(Rows(_fitted(marked, fitting, DELETED)), publication, merge, fitting, table, settings)
        return
    if publication.write == "append" and table:
        frame = _fitted(frame, _fit(publication, table, came))
    if publication.replace_where is not None and table:
        frame, publication = _beside_the_rest(connection, frame, came, publication, table)
    delta_rs.commit(Rows(frame), publication, table, settings)


def _fit(publication: Publication, table: "deltalake.DeltaTable | None", came: Schema) -> Fit:
    own = delta_rs.schema_of(table.schema()) if table else came
    return fit(publication.location.uri, own, came, evolve=publication.evolve)


def _beside_the_rest(
    connection: "duckdb.DuckDBPyConnection",
    frame: "duckdb.DuckDBPyRelation",
    came: Schema,
    publication: Publication,
    table: "deltalake.DeltaTable",
) -> "tuple[duckdb.DuckDBPyRelation, Publication]":
    """A frame that takes the place of some rows, in the table's types; where those are too narrow, with all other rows."""
    place, own = publication.location.uri, delta_rs.schema_of(table.schema())
    types = joint(place, own, came)
    fitted = _fitted(frame, fit(place, types, came, evolve=True))
    if all(types[name] == kind for name, kind in own.items()):
        return fitted, publication
    with told("the rows that are there already"):
        rest = (
            f"SELECT {_columns(fit(place, types, own, evolve=True))} FROM {scan(publication.location, table.version())}"
        )
        rest += f" WHERE NOT coalesce(({publication.replace_where}), false)"
        whole = connection.from_arrow(fitted.to_arrow_table())
        whole = whole.query("frame", f"SELECT * FROM frame UNION ALL BY NAME {rest}")
    return whole, replace(publication, replace_where=None, evolve=False)


def _marked(
    connection: "duckdb.DuckDBPyConnection", frame: "duckdb.DuckDBPyRelation", place: str, merge: Merge
) -> "duckdb.DuckDBPyRelation":
    """The frame, computed once, with the mark of the rows whose like are to be deleted; refused where its keys are wrong."""
    with told("the frame, or what is to be deleted by it,"):
        source = connection.from_arrow(frame.to_arrow_table())
        keys = ", ".join(map(named, merge.on))
        null = " OR ".join(f"{named(name)} IS NULL" for name in merge.on)
        wrong = f"SELECT {keys} FROM frame GROUP BY {keys} HAVING count(*) > 1 OR {null} ORDER BY NOT ({null})"
        found = source.query("frame", f"{wrong} LIMIT {EXAMPLES}").fetchall()
        check_keys(place, merge, [dict(zip(merge.on, key, strict=True)) for key in found])
        expression = f"coalesce(({merge.delete or 'false'})::BOOLEAN, false)"
        return source.query("frame", f"SELECT *, {expression} AS {named(DELETED)} FROM frame")


def _schema_of(frame: "duckdb.DuckDBPyRelation") -> Schema:
    """The columns of a frame in Delta's words, or in Arrow's where Delta has none; nothing is computed."""
    import deltalake
    import pyarrow as pa

    with told("the frame"):
        schema = delta_schema(frame.limit(0).to_arrow_table().schema)
    found: dict[str, object] = {}
    for column in schema:
        try:
            found |= delta_rs.schema_of(deltalake.Schema.from_arrow(pa.schema([column])))
        except Exception:  # delta-rs has no class for a type that it does not know
            found[column.name] = str(column.type)
    return found


def _fitted(frame: "duckdb.DuckDBPyRelation", fitting: Fit, *others: str) -> "duckdb.DuckDBPyRelation":
    return frame.project(", ".join((_columns(fitting), *map(named, others))))


def _columns(fitting: Fit) -> str:
    return ", ".join(
        f"CAST({named(name)} AS {_SQL_TYPES.get(kind, kind.upper())}) AS {named(name)}" if kind else named(name)
        for name, kind in fitting.columns.items()
    )
