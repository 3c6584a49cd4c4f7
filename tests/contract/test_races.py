"""Writers of one table at the same time, and merges of several tables over one connection."""

import threading
from collections.abc import Callable, Sequence

import pyarrow as pa
import pytest

from lakehouse.errors import CommitTaken, PlatformError
from lakehouse.lake import Lake
from lakehouse.merge import Merge
from lakehouse.stamp import Stamp
from tests.contract.conftest import Bench

pytestmark = pytest.mark.slow

BY_ID = Merge(on=("id",))


def at_once(acts: Sequence[Callable[[], object]]) -> list[PlatformError]:
    """Does all of it at the same moment, and returns what was refused."""
    refused: list[PlatformError] = []
    start = threading.Barrier(len(acts))

    def take_part(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except PlatformError as error:
            refused.append(error)

    threads = [threading.Thread(target=take_part, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


@pytest.mark.parametrize("write", ["replace", "append", BY_ID], ids=["replace", "append", "merge"])
def test_of_writers_of_one_sequence_one_commits(bench: Bench, write: object) -> None:
    benches = [Bench(Lake.from_env(), bench.name) for _ in range(3)]
    for sequence in (1, 2):
        refused = at_once(
            [
                lambda run=run, one=one, sequence=sequence: one.publish(  # type: ignore[misc]
                    pa.table({"id": [run]}), sequence, str(run), write=write
                )
                for run, one in enumerate(benches)
            ]
        )
        assert all(isinstance(error, CommitTaken) for error in refused), refused
        assert bench.commits == sequence
    stamps = [commit.stamp for commit in bench.lake.history(bench.key)]
    assert [stamp and stamp.sequence for stamp in stamps] == [1, 2]
    runs = {int(stamp.run) for stamp in stamps[1 if write == "replace" else 0 :] if stamp}
    assert {row["id"] for row in bench.rows()} == runs


@pytest.mark.long_on_spark
def test_merges_and_appends_of_several_tables_over_one_connection_keep_their_own_stamps(bench: Bench) -> None:
    tables = {f"silver.t{number}": (BY_ID if number % 2 else "append") for number in range(6)}
    for sequence in (1, 2, 3):
        refused = at_once(
            [
                lambda key=key, write=write, sequence=sequence: Bench(bench.lake, bench.name, key).publish(  # type: ignore[misc]
                    pa.table({"id": [sequence]}), sequence, f"run of {key}", write=write
                )
                for key, write in tables.items()
            ]
        )
        assert refused == []
    for key in tables:
        assert [commit.stamp for commit in bench.lake.history(key)] == [
            Stamp(asset=key, code="c", inputs={}, run=f"run of {key}", sequence=sequence) for sequence in (1, 2, 3)
        ]
        assert [row["id"] for row in Bench(bench.lake, bench.name, key).rows()] == [1, 2, 3]
