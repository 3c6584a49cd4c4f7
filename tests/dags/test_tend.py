"""The task that keeps tables small, as Airflow calls it."""

from datetime import timedelta

import pyarrow as pa
import pytest

from dags.bridge.tend import TendTables
from lakehouse.engine import Transaction
from lakehouse.lake import Lake
from lakehouse.stamp import Stamp

KEY = "ops.prediction_log"


def executed() -> list[dict[str, object]]:
    task = TendTables(task_id="tend", selection=KEY, older_than=timedelta(days=7))
    return [dict(told) for told in task.execute({})]


@pytest.mark.slow
def test_a_task_puts_the_small_files_of_the_log_together_and_does_nothing_where_there_is_none() -> None:
    assert executed() == []
    lake = Lake.from_env()
    for number in range(1, 10):
        stamp = Stamp(asset=KEY, code="c", inputs={}, run="r", sequence=number)
        lake.append_once(
            KEY,
            pa.table({"n": [number]}),
            metadata=stamp.encode(),
            transaction=Transaction(application="a", number=number),
        )
    assert executed() == [{"table": KEY, "compacted": 9, "removed": 0}]
    assert executed() == [{"table": KEY, "compacted": 0, "removed": 0}]
    assert lake.query(f"SELECT sum(n) AS n FROM {KEY}").to_pylist() == [{"n": 45}]
