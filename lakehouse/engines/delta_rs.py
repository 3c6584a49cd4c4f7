"""Commits Arrow rows with delta-rs; only for tables that Spark never writes."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

from lakehouse.engine import Publication
from lakehouse.errors import CommitTaken, ComputeFailed, SchemaRefused
from lakehouse.settings import LakeSettings
from lakehouse.table import Location

if TYPE_CHECKING:
    import deltalake
    import pyarrow as pa


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


def commit(rows: "Callable[[], pa.Table]", publication: Publication, settings: LakeSettings) -> None:
    """Makes one commit of the rows, or none where the sequence has been committed already."""
    import deltalake
    from deltalake.exceptions import CommitFailedError, SchemaMismatchError

    table = _existing(publication.location, settings)
    if table and (table.transaction_version(publication.application) or 0) >= publication.sequence:
        return
    properties = deltalake.CommitProperties(
        custom_metadata={"userMetadata": publication.metadata},
        app_transactions=[deltalake.Transaction(publication.application, publication.sequence)],
        max_commit_retries=0,  # a retry would step over the sequence of whoever came first
    )
    write = partial(
        deltalake.write_deltalake,
        table or publication.location.uri,  # as it was asked above, so that whoever came in between is not stepped over
        rows(),
        configuration=dict(publication.properties),
        commit_properties=properties,
        storage_options=storage_options(settings),
    )
    try:
        if table is None:
            write(mode="error")
        elif publication.write == "append":
            write(mode="append", schema_mode=_schema_mode(publication))
        else:
            write(mode="overwrite", schema_mode=_schema_mode(publication), predicate=publication.replace_where)
    except CommitFailedError as error:
        raise CommitTaken(publication.application, publication.sequence) from error
    except (SchemaMismatchError, ValueError) as error:
        raise SchemaRefused(publication.location.uri, str(error)) from error
    except Exception as error:  # delta-rs has no class for some errors, such as a type that Delta does not know
        reason = str(error).split("\n   0: ")[0]
        if "A table already exists" in reason:
            raise CommitTaken(publication.application, publication.sequence) from error
        raise ComputeFailed(f"a commit of {publication.location}", reason) from error


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
