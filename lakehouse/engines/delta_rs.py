"""Commits Arrow rows with delta-rs; only for tables that Spark never writes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal

from lakehouse.duck import named
from lakehouse.engine import Publication
from lakehouse.engines.arrow_rows import Rows
from lakehouse.errors import CommitTaken, ComputeFailed, SchemaRefused
from lakehouse.merge import DELETED, Merge
from lakehouse.schema import Fit, Schema
from lakehouse.settings import LakeSettings
from lakehouse.table import Location

if TYPE_CHECKING:
    import deltalake


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


def existing(location: Location, settings: LakeSettings) -> "deltalake.DeltaTable | None":
    """A table as it is now."""
    import deltalake
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        return deltalake.DeltaTable(location.uri, storage_options=storage_options(settings))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise ComputeFailed(f"the newest version of {location}", str(error).split("\n   0: ")[0]) from error


def is_committed(table: "deltalake.DeltaTable", publication: Publication) -> bool:
    """Whether the sequence, or a later one, was committed before."""
    return (table.transaction_version(publication.application) or 0) >= publication.sequence


def schema_of(schema: "deltalake.Schema") -> Schema:
    """The columns in Delta's words."""
    return {field["name"]: field["type"] for field in json.loads(schema.to_json())["fields"]}


def commit(rows: Rows, publication: Publication, table: "deltalake.DeltaTable | None", settings: LakeSettings) -> None:
    """Makes one commit of the rows upon the table as it was found, so that whoever came in between is not stepped over."""
    import deltalake

    write = partial(
        deltalake.write_deltalake,
        table or publication.location.uri,
        rows.reader(),
        configuration=dict(publication.properties),
        commit_properties=_properties(publication),
        storage_options=storage_options(settings),
    )
    with _told(rows, publication):
        if table is None:
            write(mode="error")
        elif publication.write == "replace":
            write(mode="overwrite", schema_mode=_schema_mode(publication), predicate=publication.replace_where)
        else:
            write(mode="append", schema_mode="merge" if publication.evolve else None)


def merge(
    rows: Rows,
    publication: Publication,
    how: Merge,
    fitting: Fit,
    table: "deltalake.DeltaTable",
    settings: LakeSettings,
) -> None:
    """Merges rows, of which some are marked as deleted; where that changes nothing, an empty commit tells of it."""
    import deltalake

    predicate = " AND ".join(f"t.{named(name)} = s.{named(name)}" for name in how.on)
    taken = {named(name): f"s.{named(name)}" for name in fitting.columns}
    updated = {name: value for name, value in taken.items() if name not in set(map(named, how.on))}
    with _told(rows, publication):
        merger = table.merge(
            rows.reader(),
            predicate,
            source_alias="s",
            target_alias="t",
            merge_schema=bool(fitting.added),
            commit_properties=_properties(publication),
        ).when_matched_delete(f"s.{named(DELETED)}")
        if updated:
            merger = merger.when_matched_update(updated)
        told = merger.when_not_matched_insert(taken, f"NOT s.{named(DELETED)}").execute()
        if not told["num_target_files_added"] and not told["num_target_files_removed"]:
            deltalake.write_deltalake(
                table,
                rows.schema_without(DELETED).empty_table(),
                mode="append",
                commit_properties=_properties(publication),
            )


def _properties(publication: Publication) -> "deltalake.CommitProperties":
    import deltalake

    return deltalake.CommitProperties(
        custom_metadata={"userMetadata": publication.metadata},
        app_transactions=[deltalake.Transaction(publication.application, publication.sequence)],
        max_commit_retries=0,  # a retry would step over the sequence of whoever came first
    )


@contextmanager
def _told(rows: Rows, publication: Publication) -> Iterator[None]:
    """Words the errors of a commit as ours."""
    from deltalake.exceptions import CommitFailedError, SchemaMismatchError

    try:
        yield
    except CommitFailedError as error:
        raise CommitTaken(publication.application, publication.sequence) from error
    except (SchemaMismatchError, ValueError) as error:
        raise SchemaRefused(publication.location.uri, str(error)) from error
    except BaseException as error:  # delta-rs has no class for some errors, and a panic of Rust's is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if rows.failure is not None:
            raise ComputeFailed("the frame", rows.failure) from error
        reason = str(error).split("\n   0: ")[0]
        if "A table already exists" in reason:
            raise CommitTaken(publication.application, publication.sequence) from error
        raise ComputeFailed(f"a commit of {publication.location}", reason) from error


def _schema_mode(publication: Publication) -> Literal["merge", "overwrite"] | None:
    if publication.evolve:
        return "merge"
    return "overwrite" if publication.replace_where is None else None
