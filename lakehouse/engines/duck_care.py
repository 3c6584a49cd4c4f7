"""Compaction and removal of old files by delta-rs, for the tables that it writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse.engines.delta_rs import storage_options
from lakehouse.errors import ComputeFailed, PlatformError, UpkeepUnsafe
from lakehouse.settings import LakeSettings
from lakehouse.table import Location
from lakehouse.upkeep import TARGET_BYTES, Removal

if TYPE_CHECKING:
    import deltalake


class DuckCare:
    """Works on one table at a time, in this process."""

    def __init__(self, settings: LakeSettings) -> None:
        self._settings = settings

    def compact(self, location: Location) -> None:
        """Puts small files together in one commit that changes no data; no commit where there is nothing to do."""
        import deltalake

        with _told(f"the compaction of {location}"):
            self._table(location).optimize.compact(
                target_size=TARGET_BYTES,
                # The log is the memory of the lake: whoever tidies the files leaves it whole.
                post_commithook_properties=deltalake.PostCommitHookProperties(cleanup_expired_logs=False),
            )

    def remove(self, removal: Removal) -> None:
        """Removes files by a VACUUM that keeps versions.

        delta-rs decides by itself what to remove, so it is asked first, and refused where it wants anything else.
        """
        import deltalake

        with _told(f"a vacuum of {removal.location}"):
            table = self._table(removal.location)
            # A full vacuum also takes what no commit knows, by its age: only where that age is beyond all doubt.
            for full in (True, False) if removal.orphan_hours else (False,):
                hours = (removal.orphan_hours or 0) if full else 0
                wanted = self._vacuum(table, removal, hours, full=full, dry_run=True)
                if unsafe := _others(wanted, removal):
                    continue
                self._vacuum(
                    table,
                    removal,
                    hours,
                    full=full,
                    dry_run=False,
                    hooks=deltalake.PostCommitHookProperties(cleanup_expired_logs=False),
                )
                return
            raise UpkeepUnsafe(removal.location.uri, tuple(sorted(unsafe)))

    def _vacuum(
        self,
        table: "deltalake.DeltaTable",
        removal: Removal,
        hours: int,
        *,
        full: bool,
        dry_run: bool,
        hooks: "deltalake.PostCommitHookProperties | None" = None,
    ) -> list[str]:
        return table.vacuum(
            retention_hours=hours,
            dry_run=dry_run,
            enforce_retention_duration=False,
            full=full,
            keep_versions=list(removal.keep),
            post_commithook_properties=hooks,
        )

    def _table(self, location: Location) -> "deltalake.DeltaTable":
        import deltalake

        return deltalake.DeltaTable(location.uri, storage_options=storage_options(self._settings))


def _others(wanted: list[str], removal: Removal) -> set[str]:
    """What a vacuum would take that was not to be removed."""
    start = f"{removal.location.uri}/"
    return {path.removeprefix(start) for path in wanted} - removal.allowed


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except PlatformError:
        raise
    except Exception as error:  # delta-rs has no class for some errors
        raise ComputeFailed(what, str(error).split("\n   0: ")[0]) from error
