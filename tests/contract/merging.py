"""Merges one sequence after another, until it is killed."""

import pyarrow as pa

from lakehouse.history import last_stamped
from lakehouse.lake import Lake
from lakehouse.merge import Merge
from tests.contract.conftest import KEY, Bench

FEED = Merge(on=("id",), delete="x % 5 = 0")


def change(sequence: int) -> pa.Table:
    """What the sequence brings: three rows of ten."""
    return pa.table({"id": [(sequence + step) % 10 for step in (0, 3, 7)], "x": [sequence, sequence + 1, sequence + 2]})


def main() -> None:
    bench = Bench(Lake.from_env(), "duckdb")
    last = last_stamped(bench.lake.history(KEY), KEY)
    sequence = last.stamp.sequence if last and last.stamp else 0
    while True:
        sequence += 1
        bench.publish(change(sequence), sequence, write=FEED)
        print("merged", flush=True)  # whoever kills waits for the first, which loads the libraries


if __name__ == "__main__":
    main()
