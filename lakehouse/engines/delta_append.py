"""Appends Arrow rows to a table that is only added to, with delta-rs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse.engine import RETENTION, Transaction
from lakehouse.engines.delta_rs import existing, storage_options
from lakehouse.errors import CommitTaken, ComputeFailed, SchemaRefused
from lakehouse.files import Files
from lakehouse.settings import LakeSettings
from lakehouse.table import Location

if TYPE_CHECKING:
    import deltalake
    import pyarrow as pa


class Appending:
    """The appends to one table."""

    def __init__(self, settings: LakeSettings, files: Files, key: str, location: Location) -> None:
        self._settings, self._files, self._key, self._location = settings, files, key, location

    def last(self, application: str) -> int:
        """The number of the last transaction of an application; 0 for none."""
        table = existing(self._location, self._settings)
        return _last(table, application)

    def after(self, rows: "pa.Table", metadata: str, version: int | None) -> int:
        """Appends upon a version, -1 for none, and upon no other one; None takes whatever is there."""
        import deltalake

        options, is_first = storage_options(self._settings), version == -1
        with self._told(is_first=is_first):
            place = self._location.uri
            upon = place if version is None or is_first else deltalake.DeltaTable(place, version, options)
            self._write(upon, rows, _properties(metadata, None if version is None else 0), is_first=is_first)
            return deltalake.DeltaTable(place, storage_options=options).version() if version is None else version + 1

    def once(self, rows: "pa.Table", metadata: str, transaction: Transaction) -> int:
        """Appends upon whatever is there, unless the transaction or a later one of its application is there."""
        table = existing(self._location, self._settings)
        if table is not None and _last(table, transaction.application) >= transaction.number:
            return int(table.version())
        properties = _properties(metadata, None, transaction)
        with self._told(is_first=table is None):
            if table is None:
                self._write(self._location.uri, rows, properties, is_first=True)
                return 0
            self._write(table, rows, properties, is_first=False)
            return int(table.version())

    def _write(
        self,
        upon: "str | deltalake.DeltaTable",
        rows: "pa.Table",
        properties: "deltalake.CommitProperties",
        *,
        is_first: bool,
    ) -> None:
        import deltalake

        deltalake.write_deltalake(
            upon,
            rows,
            mode="error" if is_first else "append",
            schema_mode=None if is_first else "merge",
            configuration=dict(RETENTION),
            commit_properties=properties,
            storage_options=storage_options(self._settings),
        )

    @contextmanager
    def _told(self, *, is_first: bool) -> Iterator[None]:
        """Words the errors of a commit as ours."""
        from deltalake.exceptions import CommitFailedError, SchemaMismatchError

        try:
            yield
        except CommitFailedError as error:
            raise CommitTaken(self._key, 0) from error
        except (SchemaMismatchError, ValueError) as error:
            raise SchemaRefused(self._location.uri, str(error)) from error
        except BaseException as error:  # delta-rs has no class for some errors, and a panic of Rust's is no Exception
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            if is_first and self._files.names(self._location.child("_delta_log")):
                raise CommitTaken(self._key, 0) from error
            raise ComputeFailed(f"a commit of {self._location}", str(error)) from error


def _last(table: "deltalake.DeltaTable | None", application: str) -> int:
    return 0 if table is None else int(table.transaction_version(application) or 0)


def _properties(
    metadata: str, retries: int | None, transaction: Transaction | None = None
) -> "deltalake.CommitProperties":
    import deltalake

    told = [deltalake.Transaction(transaction.application, transaction.number)] if transaction else None
    return deltalake.CommitProperties(
        custom_metadata={"userMetadata": metadata}, max_commit_retries=retries, app_transactions=told
    )
