"""DuckDB computes, delta-rs writes: the engine for tables that Spark never writes. Its frames are DuckDB relations."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal

from lakehouse.audit import FAILED_CHECKS, Audit, RowRule, Rule, UniqueRule
from lakehouse.duck import connect, named, quoted
from lakehouse.engine import EngineName, Publication
from lakehouse.errors import ComputeFailed, SchemaRefused, VersionUnreadable
from lakehouse.settings import LakeSettings
from lakehouse.table import Location

if TYPE_CHECKING:
    import deltalake
    import duckdb
    import pyarrow as pa

_MARKS = "__lakeline_failed"
_SAMPLES = 3


class DuckEngine:
    """Reads pinned versions with `delta_scan` in this process and commits with delta-rs."""

    def __init__(self, settings: LakeSettings) -> None:
        self._settings = settings
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._audits = 0

    @property
    def name(self) -> EngineName:
        """The name that an author gives."""
        return "duckdb"

    def read(self, location: Location, version: int) -> object:
        """A table at a version, as a relation."""
        import duckdb

        try:
            return self._connection().sql(f"SELECT * FROM {_scan(location, version)}")
        except duckdb.Error as error:
            raise VersionUnreadable(location.uri, version, str(error).splitlines()[0]) from error

    def read_arrow(self, location: Location, version: int) -> "pa.Table":
        """A table at a version, as Arrow."""
        import duckdb

        frame = _relation(self.read(location, version))
        try:
            return frame.to_arrow_table()
        except duckdb.Error as error:
            raise VersionUnreadable(location.uri, version, str(error).splitlines()[0]) from error

    def rows_between(self, location: Location, before: int, after: int) -> tuple[int, int]:
        """How many rows the later version has that the earlier had not, and how many it no longer has."""
        old, new = (_relation(self.read(location, version)) for version in (before, after))
        if old.columns != new.columns:
            return len(new), len(old)
        with _told("the rows between two versions"):
            return len(new.except_(old)), len(old.except_(new))

    def from_arrow(self, rows: "pa.Table") -> object:
        """Rows that came from elsewhere, as a relation."""
        return self._connection().from_arrow(rows)

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

    def audit(self, frame: object, rules: tuple[Rule, ...]) -> Audit:
        """The frame, computed once into a table in memory and sorted by the rules."""
        connection = self._connection()
        self._audits += 1
        table = f"__lakeline_audit_{self._audits}"
        with _told("the frame, or a check of it,"):
            marks = ", ".join(f"CASE WHEN {_fails(rule)} THEN {quoted(rule.name)} END" for rule in rules)
            marked = f"SELECT *, list_filter([{marks}], mark -> mark IS NOT NULL) AS {_MARKS} FROM frame"
            # Through Arrow, for the relation may be of a connection that the author opened.
            connection.from_arrow(self.arrow(frame)).query("frame", marked).create(table)
            banned = ", ".join(quoted(rule.name) for rule in rules if rule.otherwise == "quarantine")
            barred = f"list_has_any({_MARKS}, [{banned}]::VARCHAR[])"
            counts = [f"count(*) FILTER (list_contains({_MARKS}, {quoted(rule.name)}))" for rule in rules]
            counted = ", ".join(["count(*)", f"count(*) FILTER ({barred})", *counts])
            found = connection.sql(f"SELECT {counted} FROM {table}")
            total, rejected_rows, *each = found.fetchall()[0]
            failed = {rule.name: int(count) for rule, count in zip(rules, each, strict=True)}
            joined = f"array_to_string({_MARKS}, '; ') AS {FAILED_CHECKS}"
            kept = f"SELECT * EXCLUDE ({_MARKS}) FROM {table} WHERE NOT {barred}"
            rest = f"SELECT * EXCLUDE ({_MARKS}), {joined} FROM {table} WHERE {barred}"
            return Audit(
                passed=connection.sql(kept),
                rejected=connection.sql(rest),
                total=int(total),
                rejected_rows=int(rejected_rows),
                failed=failed,
                samples={name: self._samples(table, name) for name, count in failed.items() if count},
            )

    def publish(self, frame: object, publication: Publication) -> None:
        """Makes the commit, or none where its sequence has been committed already."""
        import deltalake
        from deltalake.exceptions import SchemaMismatchError

        table = _existing(publication.location, self._settings)
        if table and (table.transaction_version(publication.application) or 0) >= publication.sequence:
            return
        properties = deltalake.CommitProperties(
            custom_metadata={"userMetadata": publication.metadata},
            app_transactions=[deltalake.Transaction(publication.application, publication.sequence)],
            max_commit_retries=0,  # a retry would step over the sequence of whoever came first
        )
        place, rows = table or publication.location.uri, self.arrow(frame)
        write = partial(
            deltalake.write_deltalake,
            configuration=dict(publication.properties),
            commit_properties=properties,
            storage_options=storage_options(self._settings),
        )
        try:
            if publication.write == "append":
                write(place, rows, mode="append", schema_mode=_schema_mode(publication))
            else:
                write(
                    place,
                    rows,
                    mode="overwrite",
                    schema_mode=_schema_mode(publication),
                    predicate=publication.replace_where,
                )
        except (SchemaMismatchError, ValueError) as error:
            raise SchemaRefused(publication.location.uri, str(error)) from error
        except Exception as error:  # delta-rs has no class for some errors, such as a type that Delta does not know
            reason = str(error).split("\n   0: ")[0]
            raise ComputeFailed(f"a commit of {publication.location}", reason) from error

    def arrow(self, frame: object) -> "pa.Table":
        """A frame's rows, computed."""
        with _told("the frame"):
            return self._told_relation(frame).to_arrow_table()

    def release(self) -> None:
        """Lets go of the tables of audits."""
        for number in range(1, self._audits + 1):
            self._connection().execute(f"DROP TABLE IF EXISTS __lakeline_audit_{number}")
        self._audits = 0

    def _connection(self) -> "duckdb.DuckDBPyConnection":
        if self._opened is None:
            self._opened = connect(self._settings)
        return self._opened

    def _told_relation(self, frame: object) -> "duckdb.DuckDBPyRelation":
        import pyarrow as pa

        if not isinstance(frame, pa.Table):
            return _relation(frame)
        with _told("the frame"):
            return self._connection().from_arrow(frame)

    def _samples(self, table: str, name: str) -> tuple[str, ...]:
        chosen = f"list_contains({_MARKS}, {quoted(name)})"
        rows = self._connection().sql(f"SELECT * EXCLUDE ({_MARKS}) FROM {table} WHERE {chosen} LIMIT {_SAMPLES}")
        return tuple(
            ", ".join(f"{key}={value!r}" for key, value in zip(rows.columns, row, strict=True))
            for row in rows.fetchall()
        )


def storage_options(settings: LakeSettings) -> dict[str, str]:
    """The lake's object store in delta-rs' words."""
    if not settings.root.is_s3:
        return {}
    secret = settings.aws_secret_access_key
    options = {
        "AWS_ACCESS_KEY_ID": settings.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret.get_secret_value() if secret else None,
        "AWS_ENDPOINT_URL": settings.aws_endpoint_url,
        "AWS_REGION": settings.aws_region,
        "AWS_ALLOW_HTTP": "true" if (settings.aws_endpoint_url or "").startswith("http://") else "false",
    }
    return {name: value for name, value in options.items() if value is not None}


def _existing(location: Location, settings: LakeSettings) -> "deltalake.DeltaTable | None":
    import deltalake
    from deltalake.exceptions import TableNotFoundError

    try:
        return deltalake.DeltaTable(location.uri, storage_options=storage_options(settings))
    except TableNotFoundError:
        return None


def _schema_mode(publication: Publication) -> Literal["merge", "overwrite"] | None:
    if publication.evolve:
        return "merge"
    return "overwrite" if publication.write == "replace" and publication.replace_where is None else None


def _scan(location: Location, version: int) -> str:
    return f"delta_scan({quoted(location.uri)}, version => {version})"


def _fails(rule: Rule) -> str:
    if isinstance(rule, RowRule):
        return f"NOT coalesce(({rule.expression}), false)"
    if isinstance(rule, UniqueRule):
        return f"count(*) OVER (PARTITION BY {', '.join(named(column) for column in rule.columns)}) > 1"
    others = f"SELECT {named(rule.other_column)} FROM {_scan(rule.location, rule.version)}"
    column = named(rule.column)
    return f"{column} IS NOT NULL AND {column} NOT IN ({others} WHERE {named(rule.other_column)} IS NOT NULL)"


def _relation(frame: object) -> "duckdb.DuckDBPyRelation":
    import duckdb

    if not isinstance(frame, duckdb.DuckDBPyRelation):
        wanted = "a DuckDB relation or an Arrow table is wanted"
        raise ComputeFailed(
            "the frame", f"{wanted}, the function returned {type(frame).__name__}; does it end with 'return'?"
        )
    return frame


@contextmanager
def _told(what: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise ComputeFailed(what, str(error)) from error
