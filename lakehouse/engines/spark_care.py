"""Compaction and removal of old files by the Spark server, for the tables that it writes."""

from lakehouse.engines.spark_session import SparkConnection
from lakehouse.engines.spark_told import told
from lakehouse.table import Location
from lakehouse.upkeep import TARGET_BYTES, Removal

_COMPACTION = {f"spark.databricks.delta.optimize.{name}FileSize": str(TARGET_BYTES) for name in ("min", "max")}
_RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"
_LISTED = "__lakeline_files_to_remove"


class SparkCare:
    """Works on one table at a time, on the server that writes it."""

    def __init__(self, connection: SparkConnection) -> None:
        self._connection = connection

    def compact(self, location: Location) -> None:
        """Puts small files together in one commit that changes no data; no commit where there is nothing to do."""
        with told(f"the compaction of {location}"), self._connection.using() as session:
            for name, value in _COMPACTION.items():
                session.conf.set(name, value)
            session.sql(f"OPTIMIZE {_table(location)}").collect()

    def remove(self, removal: Removal) -> None:
        """Removes files by a VACUUM over a list of them.

        Spark's VACUUM knows no versions to keep, only a time since when all are kept. Given an inventory it looks at nothing
        else, so that files between two kept versions can go; what the newest version needs it leaves there all the same.
        """
        import pyarrow as pa

        paths = sorted(removal.files)
        listed = pa.table(
            {
                "path": pa.array([f"{_folder(removal.location)}/{path}" for path in paths], pa.string()),
                "length": pa.array([removal.files[path] for path in paths], pa.int64()),
                "isDir": pa.array([False] * len(paths), pa.bool_()),
                "modificationTime": pa.array([0] * len(paths), pa.int64()),
            }
        )
        with told(f"a vacuum of {removal.location}"), self._connection.using() as session:
            session.conf.set(_RETENTION_CHECK, "false")
            session.createDataFrame(listed).createOrReplaceTempView(_LISTED)
            inventory = f"USING INVENTORY (SELECT * FROM {_LISTED}) RETAIN 0 HOURS"
            session.sql(f"VACUUM {_table(removal.location)} {inventory}").collect()
            session.catalog.dropTempView(_LISTED)


def _table(location: Location) -> str:
    return f"delta.`{location.spark_uri.replace('`', '``')}`"


def _folder(location: Location) -> str:
    """The folder as Spark's own listings spell it, with nothing encoded; of any other spelling it removes nothing."""
    return location.spark_uri if location.is_s3 else f"file:{location.uri}"
