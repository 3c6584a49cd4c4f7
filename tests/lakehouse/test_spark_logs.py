"""What Spark does to a table, told by its log as its readers see it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.duck import connect
from lakehouse.files import LocalFiles
from lakehouse.history import read_history
from lakehouse.lake import Lake
from lakehouse.log import find_log
from lakehouse.present import fold, fold_of_history
from lakehouse.settings import LakeSettings
from lakehouse.table import Location

KEY = "gold.worked_on"
FIRST = (
    "CREATE TABLE {t} (id BIGINT, k STRING) USING delta PARTITIONED BY (k) TBLPROPERTIES "
    "('delta.enableDeletionVectors'='true', 'delta.checkpointInterval'='100')"
)
WORK = (
    "INSERT INTO {t} VALUES (1, 'a'), (2, 'a'), (3, 'b')",
    "INSERT INTO {t} SELECT id + 20, 'a b%' FROM range(50)",
    "DELETE FROM {t} WHERE id = 25",
    "DELETE FROM {t} WHERE id = 2500",
    "UPDATE {t} SET id = 100 WHERE id = 26",
    "ALTER TABLE {t} ADD COLUMN extra STRING",
    "ALTER TABLE {t} ALTER COLUMN extra COMMENT 'hello'",
    "COMMENT ON TABLE {t} IS 'about'",
    "ALTER TABLE {t} SET TBLPROPERTIES ('a.b'='c')",
    "OPTIMIZE {t}",
    "RESTORE TABLE {t} TO VERSION AS OF 2",
    "RESTORE TABLE {t} TO TIMESTAMP AS OF '{time_of_5}'",
    "TRUNCATE TABLE {t}",
    "INSERT INTO {t} (id, k) VALUES (7, 'z')",
    "MERGE INTO {t} t USING (SELECT 7 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "CREATE OR REPLACE TABLE {t} USING delta AS SELECT id, 'x' AS w FROM range(3)",
    "INSERT OVERWRITE {t} SELECT 5, 'y'",
    "VACUUM {t}",
    "ALTER TABLE {t} SET TBLPROPERTIES ('delta.columnMapping.mode'='name', 'delta.minReaderVersion'='2', "
    "'delta.minWriterVersion'='5')",
    "ALTER TABLE {t} RENAME COLUMN w TO ww",
    "ALTER TABLE {t} SET TBLPROPERTIES ('delta.checkpointPolicy'='v2', 'delta.checkpointInterval'='2')",
    "INSERT INTO {t} VALUES (8, 'v'), (9, 'v')",
    "INSERT INTO {t} VALUES (10, 'v')",
    "INSERT INTO {t} VALUES (11, 'v')",
)


@pytest.fixture
def lake(on_spark: str) -> Iterator[Lake]:
    yield Lake.from_env()


@pytest.mark.spark
def test_the_log_of_spark_tells_what_the_readers_see(lake: Lake) -> None:
    place = lake.location(KEY)
    session = lake.engine("spark").from_arrow(pa.table({"x": [1]})).sparkSession  # type: ignore[attr-defined]
    session.sql(FIRST.format(t=f"delta.`{place}`")).collect()
    duck = connect(LakeSettings())
    contents: list[object] = [None]
    effective = [0]
    for work in WORK:
        told = session.sql(f"DESCRIBE HISTORY delta.`{place}`").collect()
        time_of_5 = next((str(row.timestamp) for row in told if row.version == 5), "")
        session.sql(work.format(t=f"delta.`{place}`", time_of_5=time_of_5)).collect()
        commits = read_history(LocalFiles(), place)
        for version in range(len(contents), len(commits)):
            seen = duck.sql(f"SELECT * FROM delta_scan('{place}', version => {version})")
            rows = sorted(seen.fetchall(), key=str)
            content = (commits[version].table_id, str(seen.columns), str(seen.types), rows)
            before = effective[-1] if content == contents[-1] else version
            same = [known for known in range(version) if contents[known] == content]
            effective.append(effective[max(same)] if work.startswith("RESTORE") else before)
            contents.append(content)
            assert commits[version].rows == len(rows), work
        assert [commit.effective for commit in commits] == effective, work
        log = find_log(LocalFiles(), place)
        assert fold_of_history(LocalFiles(), log, KEY).present().table == commits[-1].table_version
    _cleaned_log_is_the_same(Path(place.uri))


def _cleaned_log_is_the_same(path: Path) -> None:
    """The newest checkpoint is one of version 2, with its files in a sidecar."""
    log = path / "_delta_log"
    newest = max(log.glob("*.checkpoint.*"))
    assert list((log / "_sidecars").glob("*.parquet"))
    before = read_history(LocalFiles(), Location(uri=str(path)))
    base = int(newest.name[:20])
    for file in log.iterdir():
        if file.name.lstrip(".")[:20].isdecimal() and int(file.name.lstrip(".")[:20]) < base:
            file.unlink()
    after = read_history(LocalFiles(), Location(uri=str(path)))
    assert [(c.version, c.rows, c.table_id) for c in after] == [(c.version, c.rows, c.table_id) for c in before[base:]]
    files = LocalFiles()
    state = fold(files, find_log(files, Location(uri=str(path))), KEY)
    assert state == fold_of_history(files, find_log(files, Location(uri=str(path))), KEY)
    assert json.loads((log / "_last_checkpoint").read_text())["version"] == base
