"""The log that each of Spark's statements leaves tells what Spark itself tells of it: versions, operations, rows, changes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakehouse.files import LocalFiles
from lakehouse.history import read_history
from lakehouse.log import find_log
from lakehouse.present import fold, fold_of_history
from lakehouse.table import Location

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

KEY = "silver.spark"


@dataclass
class Watched:
    """A table that Spark works on, and what Spark reads of each version, looked at before it can be vacuumed away."""

    session: "SparkSession"
    path: Path
    contents: dict[int, object] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    effective: dict[int, int] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return f"delta.`{self.path}`"

    def does(self, statement: str) -> None:
        """Runs a statement, and compares what the log tells with what Spark reads."""
        self.session.sql(statement.format(t=self.table, p=self.path, o=f"delta.`{self.path}_other`")).collect()
        location, files = Location(uri=str(self.path)), LocalFiles()
        commits = read_history(files, location)
        for commit in commits:
            if commit.version not in self.contents:
                self._look(commit.version)
        assert {c.version: c.effective for c in commits} == {c.version: self.effective[c.version] for c in commits}
        counted = {commit.version: commit.rows for commit in commits if commit.rows is not None}
        assert counted == {version: self.counts[version] for version in counted}
        if commits:
            whole = fold_of_history(files, find_log(files, location), KEY)
            assert (fold(files, find_log(files, location), KEY) or whole) == whole

    def told(self) -> dict[int, str]:
        """The operation of each version, as Spark tells."""
        return {
            row["version"]: row["operation"] for row in self.session.sql(f"DESCRIBE HISTORY {self.table}").collect()
        }

    def _look(self, version: int) -> None:
        """Notes what Spark reads of a new version, and whether it is another content than the one before."""
        read = self.session.read.format("delta").option("versionAsOf", version).load(str(self.path))
        rows = sorted(map(str, read.collect()))
        actions = self._actions(version)
        described = actions.get("metaData")
        table_id = described["id"] if described else self.contents[version - 1][0]  # type: ignore[index]
        content = table_id, json.dumps(without_notes(json.loads(read.schema.json()))), rows
        restored = actions["commitInfo"]["operationParameters"].get("version") if "RESTORE" in str(actions) else None
        if restored is not None:
            self.effective[version] = self.effective[int(restored)]
        else:
            is_same = self.contents.get(version - 1) == content
            self.effective[version] = self.effective[version - 1] if is_same else version
        self.contents[version], self.counts[version] = content, len(rows)

    def _actions(self, version: int) -> dict[str, Any]:
        lines = (self.path / "_delta_log" / f"{version:020}.json").read_text().split("\n")
        return {kind: body for line in lines if line for kind, body in json.loads(line).items()}


def without_notes(kind: object) -> object:
    """A type without the comments and other notes of its columns, which are no part of what is read."""
    if isinstance(kind, list):
        return [without_notes(part) for part in kind]
    if not isinstance(kind, dict):
        return kind
    return {name: without_notes(value) for name, value in kind.items() if name != "metadata"}


@pytest.fixture(scope="module")
def session(spark_remote: str) -> Iterator["SparkSession"]:
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(spark_remote).create()
    session.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    session.conf.set("spark.databricks.delta.vacuum.logging.enabled", "true")
    session.conf.set(
        "spark.sql.sources.parallelPartitionDiscovery.parallelism", "2"
    )  # a VACUUM has 10,000 tasks otherwise
    yield session
    session.stop()


@pytest.fixture
def watched(session: "SparkSession", tmp_path: Path) -> Watched:
    return Watched(session=session, path=tmp_path / "table")


CREATE = "CREATE TABLE {t} (x INT, y STRING) USING DELTA"
INSERT = "INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')"
MORE = "INSERT INTO {t} VALUES (4, 'd')"
ONE_FILE = "INSERT INTO {t} SELECT /*+ REPARTITION(1) */ * FROM VALUES (1, 'a'), (2, 'b'), (3, 'c')"
VECTORS = "ALTER TABLE {t} SET TBLPROPERTIES (delta.enableDeletionVectors = true)"
MAPPED = "ALTER TABLE {t} SET TBLPROPERTIES (delta.columnMapping.mode = 'name')"
VACUUM = "VACUUM {t} RETAIN 0 HOURS"
OPTIMIZE = "OPTIMIZE {t}"

SCRIPTS = {
    "create and insert": (CREATE, INSERT, MORE),
    "create as select": ("CREATE TABLE {t} USING DELTA AS SELECT id AS x FROM range(5)",),
    "insert of nothing": (CREATE, INSERT, "INSERT INTO {t} SELECT x, y FROM {t} WHERE false"),
    "insert overwrite": (CREATE, INSERT, "INSERT OVERWRITE {t} VALUES (9, 'z')"),
    "insert replace where": (CREATE, INSERT, "INSERT INTO {t} REPLACE WHERE x = 1 VALUES (1, 'z')"),
    "update": (CREATE, INSERT, "UPDATE {t} SET y = 'u' WHERE x = 2", "UPDATE {t} SET y = 'u' WHERE x = 77"),
    "delete": (
        CREATE,
        INSERT,
        "DELETE FROM {t} WHERE x = 2",
        "DELETE FROM {t} WHERE x = 77",
        "DELETE FROM {t}",
    ),
    "merge": (
        CREATE,
        INSERT,
        "MERGE INTO {t} t USING (SELECT 2 AS x, 'm' AS y UNION ALL SELECT 8, 'n') s ON t.x = s.x "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
        "MERGE INTO {t} t USING (SELECT 99 AS x) s ON t.x = s.x WHEN MATCHED THEN DELETE",
        "MERGE INTO {t} t USING (SELECT 1 AS x) s ON t.x = s.x WHEN MATCHED THEN DELETE "
        "WHEN NOT MATCHED BY SOURCE AND t.x > 7 THEN DELETE",
    ),
    "merge with schema evolution": (
        CREATE,
        INSERT,
        "MERGE WITH SCHEMA EVOLUTION INTO {t} t USING (SELECT 2 AS x, 'm' AS y, 0.5D AS z) s ON t.x = s.x "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
    ),
    "optimize": (CREATE, INSERT, MORE, OPTIMIZE, OPTIMIZE, "OPTIMIZE {t} ZORDER BY (x)"),
    "vacuum": (CREATE, INSERT, MORE, OPTIMIZE, VACUUM),
    "restore": (
        CREATE,
        INSERT,
        MORE,
        "RESTORE TABLE {t} TO VERSION AS OF 1",
        "RESTORE TABLE {t} TO VERSION AS OF 2",
        OPTIMIZE,
        MORE,
        "RESTORE TABLE {t} TO VERSION AS OF 4",
    ),
    "add column": (
        CREATE,
        INSERT,
        "ALTER TABLE {t} ADD COLUMN (z DOUBLE COMMENT 'a note')",
        "ALTER TABLE {t} ADD COLUMN (s STRUCT<a: INT>)",
        "ALTER TABLE {t} ADD COLUMN (s.b STRING)",
        "ALTER TABLE {t} ALTER COLUMN z FIRST",
    ),
    "properties and comments": (
        CREATE,
        INSERT,
        "ALTER TABLE {t} SET TBLPROPERTIES ('a' = 'b', 'delta.appendOnly' = 'false')",
        "ALTER TABLE {t} UNSET TBLPROPERTIES ('a')",
        "ALTER TABLE {t} ALTER COLUMN y COMMENT 'what it is'",
        "COMMENT ON TABLE {t} IS 'of a test'",
        MORE,
    ),
    "constraints": (
        CREATE,
        INSERT,
        "ALTER TABLE {t} ADD CONSTRAINT positive CHECK (x > 0)",
        "ALTER TABLE {t} DROP CONSTRAINT positive",
    ),
    "column mapping": (
        CREATE,
        INSERT,
        MAPPED,
        MORE,
        "ALTER TABLE {t} RENAME COLUMN y TO name",
        "ALTER TABLE {t} DROP COLUMN name",
        "ALTER TABLE {t} ADD COLUMN (name STRING)",
    ),
    "column mapping from the first": (
        "CREATE TABLE {t} (`an x` INT, y STRING) USING DELTA TBLPROPERTIES (delta.columnMapping.mode = 'name')",
        INSERT,
        "ALTER TABLE {t} RENAME COLUMN y TO `a y`",
        "ALTER TABLE {t} ALTER COLUMN `an x` COMMENT 'a note'",
    ),
    "type widening": (
        CREATE,
        INSERT,
        "ALTER TABLE {t} SET TBLPROPERTIES (delta.enableTypeWidening = true)",
        "ALTER TABLE {t} ALTER COLUMN x TYPE BIGINT",
    ),
    "replace table": (
        CREATE,
        INSERT,
        "CREATE OR REPLACE TABLE {t} USING DELTA AS SELECT 1 AS z",
        "REPLACE TABLE {t} USING DELTA AS SELECT id AS z FROM range(3)",
    ),
    "truncate": (CREATE, INSERT, "TRUNCATE TABLE {t}", MORE),
    "clone": (
        "CREATE TABLE {o} (x INT, y STRING) USING DELTA",
        "INSERT INTO {o} VALUES (1, 'a'), (2, 'b')",
        "CREATE TABLE {t} SHALLOW CLONE {o}",
        "UPDATE {t} SET y = 'z' WHERE x = 1",
        "INSERT INTO {o} VALUES (3, 'c')",
        "DELETE FROM {t}",
        "CREATE OR REPLACE TABLE {t} SHALLOW CLONE {o}",
    ),
    "convert": (
        "INSERT OVERWRITE DIRECTORY '{p}' USING PARQUET SELECT id AS x FROM range(4)",
        "CONVERT TO DELTA parquet.`{p}`",
        "INSERT INTO {t} VALUES (9)",
    ),
    "convert without statistics": (
        "INSERT OVERWRITE DIRECTORY '{p}' USING PARQUET SELECT id AS x FROM range(4)",
        "CONVERT TO DELTA parquet.`{p}` NO STATISTICS",
        "INSERT INTO {t} VALUES (9)",
        "DELETE FROM {t} WHERE x < 4",
    ),
    "deletion vectors": (
        CREATE,
        VECTORS,
        ONE_FILE,
        "DELETE FROM {t} WHERE x = 1",
        "DELETE FROM {t} WHERE x = 2",
        "UPDATE {t} SET y = 'u' WHERE x = 3",
        MORE,
        OPTIMIZE,
        "RESTORE TABLE {t} TO VERSION AS OF 3",
    ),
    "purge": (CREATE, VECTORS, ONE_FILE, "DELETE FROM {t} WHERE x = 1", "REORG TABLE {t} APPLY (PURGE)"),
    "partitions": (
        "CREATE TABLE {t} (x INT, y STRING) USING DELTA PARTITIONED BY (y)",
        "INSERT INTO {t} VALUES (1, 'a b'), (2, 'c/d=%'), (3, NULL)",
        "DELETE FROM {t} WHERE y = 'a b'",
        "INSERT OVERWRITE {t} PARTITION (y = 'c/d=%') VALUES (7)",
        "ALTER TABLE {t} SET TBLPROPERTIES ('a' = 'b')",
        OPTIMIZE,
    ),
    "clustering": (
        "CREATE TABLE {t} (x INT, y STRING) USING DELTA CLUSTER BY (x)",
        INSERT,
        MORE,
        OPTIMIZE,
        "ALTER TABLE {t} CLUSTER BY (y)",
        "ALTER TABLE {t} CLUSTER BY NONE",
    ),
    "row tracking": (
        CREATE,
        INSERT,
        "ALTER TABLE {t} SET TBLPROPERTIES (delta.enableRowTracking = true)",
        "UPDATE {t} SET y = 'u' WHERE x = 2",
    ),
    "change data feed": (
        "CREATE TABLE {t} (x INT, y STRING) USING DELTA TBLPROPERTIES (delta.enableChangeDataFeed = true)",
        INSERT,
        "UPDATE {t} SET y = 'u' WHERE x = 2",
        "DELETE FROM {t} WHERE x = 3",
    ),
    "times of the commit itself": (
        CREATE,
        "ALTER TABLE {t} SET TBLPROPERTIES (delta.enableInCommitTimestamps = true)",
        INSERT,
        "RESTORE TABLE {t} TO VERSION AS OF 1",
    ),
    "generated columns, defaults and identities": (
        "CREATE TABLE {t} (x INT, d INT GENERATED ALWAYS AS (x * 2), i BIGINT GENERATED BY DEFAULT AS IDENTITY) USING DELTA",
        "INSERT INTO {t} (x) VALUES (1), (2)",
        "INSERT INTO {t} (x, i) VALUES (3, 700)",
        "ALTER TABLE {t} ALTER COLUMN i SYNC IDENTITY",
        "ALTER TABLE {t} SET TBLPROPERTIES (delta.feature.allowColumnDefaults = 'supported')",
        "ALTER TABLE {t} ALTER COLUMN x SET DEFAULT 5",
    ),
    "features that come and go": (
        CREATE,
        VECTORS,
        ONE_FILE,
        "DELETE FROM {t} WHERE x = 1",
        "ALTER TABLE {t} SET TBLPROPERTIES (delta.enableDeletionVectors = false)",
        "REORG TABLE {t} APPLY (PURGE)",
        "ALTER TABLE {t} DROP FEATURE deletionVectors",
    ),
    "checkpoints": (
        CREATE,
        "ALTER TABLE {t} SET TBLPROPERTIES (delta.checkpointInterval = 2)",
        INSERT,
        MORE,
        MORE,
        "DELETE FROM {t} WHERE x = 4",
    ),
}


OFTEN = {"deletion vectors"}


def script_of(name: str) -> object:
    """A script to be tried; all but a few only where there is time for all."""
    return pytest.param(SCRIPTS[name], id=name, marks=() if name in OFTEN else pytest.mark.long)


@pytest.mark.parametrize("script", map(script_of, SCRIPTS))
def test_the_log_of_each_statement_tells_what_spark_tells(watched: Watched, script: tuple[str, ...]) -> None:
    for statement in script:
        watched.does(statement)
    commits = read_history(LocalFiles(), Location(uri=str(watched.path)))
    assert {commit.version: commit.operation for commit in commits} == watched.told()


@pytest.mark.parametrize("policy", [pytest.param("classic", marks=pytest.mark.long), "v2"])
def test_a_log_that_is_cleaned_behind_sparks_checkpoint_tells_the_rest(watched: Watched, policy: str) -> None:
    watched.does(f"{CREATE} TBLPROPERTIES (delta.checkpointPolicy = '{policy}', delta.checkpointInterval = 3)")
    watched.does(INSERT)
    rows = watched.session.createDataFrame([(7, "s")], "x INT, y STRING")
    counted = rows.write.format("delta").mode("append").options(txnAppId=KEY, txnVersion="41")
    counted.save(str(watched.path))
    watched.does(MORE)
    log, location = watched.path / "_delta_log", Location(uri=str(watched.path))
    assert list(log.glob(f"{3:020}.checkpoint.*parquet")) or list(log.glob(f"{3:020}.checkpoint.*json"))
    for version in range(4):
        (log / f"{version:020}.json").unlink()
    told = [(c.version, c.rows, c.effective) for c in read_history(LocalFiles(), location)]
    assert told == [(3, watched.counts[3], 3)]
    state = fold(LocalFiles(), find_log(LocalFiles(), location), KEY)
    assert state is not None
    assert state.transaction == 41
