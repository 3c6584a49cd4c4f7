"""The fold of a Delta log agrees with the real readers of Delta, whatever was done to the table."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.duck import connect
from lakehouse.files import LocalFiles
from lakehouse.history import read_history
from lakehouse.log import find_log
from lakehouse.present import fold_of_history
from lakehouse.recall import Recall
from lakehouse.settings import LakeSettings
from lakehouse.table import Location
from tests.laws.real_table import KEY, RealTable

OPERATIONS = (
    "append",
    "overwrite",
    "replace_where",
    "delete",
    "delete_all",
    "update",
    "optimize",
    "vacuum",
    "restore",
    "restore_time",
    "checkpoint",
    "compact_log",
    "clean",
    "add_column",
    "comment",
    "property",
    "foreign",
    "create_or_replace",
    "recreate",
    "litter",
)
steps = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 50)), min_size=1, max_size=10)


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = connect(LakeSettings())
    yield connection
    connection.close()


def agree(duck: duckdb.DuckDBPyConnection, operations: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder:
        table = RealTable(path=Path(folder) / "table", duck=duck)
        place, files = Location(uri=str(table.path)), LocalFiles()
        for operation, number in operations:
            table.work(operation, number)
            commits = read_history(files, place)
            assert [commit.version for commit in commits] == list(range(table.first, table.newest + 1))
            assert commits[-1].table_id == str(table.table.metadata().id)
            assert commits[-1].rows == table.rows[table.newest]
            assert {commit.version: commit.effective for commit in commits} == {
                version: max(table.effective[version], table.first) for version in range(table.first, table.newest + 1)
            }
            remembering = Recall(Path(folder) / "cache", "lake")
            remembered = remembering.present(files, place, KEY)
            remembering.keep()
            assert remembered == Recall(Path(folder) / "nothing", "lake").present(files, place, KEY)
            assert remembered == fold_of_history(files, find_log(files, place), KEY).present()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(steps)
@pytest.mark.slow
def test_law_a_log_tells_what_the_readers_see(
    duck: duckdb.DuckDBPyConnection, operations: list[tuple[str, int]]
) -> None:
    agree(duck, operations)


@pytest.mark.slow
def test_the_log_of_each_operation_tells_what_the_readers_see(duck: duckdb.DuckDBPyConnection) -> None:
    agree(duck, [("append", 1), ("append", 3), *((operation, 3) for operation in OPERATIONS), ("append", 1)])
