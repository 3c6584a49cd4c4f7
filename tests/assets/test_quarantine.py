"""What is kept back from a table that is added to is there once, whoever else was at work, was killed, or has another clock."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from assets import asset, rows
from assets.asset import Asset
from assets.graph import Graph
from assets.materialize import Materializer
from assets.release import Release, released
from lakehouse.engine import Engine, EngineName, Publication
from lakehouse.errors import StoreUnreachable
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from registry.models import Models
from tests.assets.authored import flowers_landing, ids, made_by, put

pytestmark = pytest.mark.slow

KEY, KEPT = "bronze.seen", "quarantine.bronze.seen"
HOUR = 3_600_000

Publish = Callable[[Engine, object, Publication], None]


def line() -> tuple[Asset, ...]:
    def made(arrivals: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        return arrivals

    check = rows("name <> 'bad'", otherwise="quarantine")
    declare = asset(KEY, inputs={"arrivals": "landing.flowers"}, write="append", engine="duckdb", checks=[check])
    return flowers_landing(), declare(made)


class Around(Lake):
    """A lake where something happens around each commit of the table."""

    def __init__(self, settings: LakeSettings, do: Publish) -> None:
        super().__init__(settings)
        self._do = do

    def engine(self, name: EngineName) -> Engine:
        made, do = super().engine(name), self._do
        publish = made.publish

        def around(frame: object, publication: Publication) -> None:
            if publication.application == KEY:
                do(made, frame, publication)
            publish(frame, publication)

        made.publish = around  # type: ignore[method-assign]
        return made


def kept(lake: Lake) -> list[object]:
    return ids(lake, KEPT)


def test_of_two_runs_at_once_each_keeps_back_what_it_took_in(lake: Lake) -> None:
    """Both keep rows back for the same sequence, of which one wins; what the other one read twice is told once."""
    put(lake, "a.csv", "id,name\n1,ok\n-1,bad\n")
    kept_back, published = threading.Event(), threading.Event()

    def wait(engine: Engine, frame: object, publication: Publication) -> None:
        if not kept_back.is_set():
            kept_back.set()
            assert published.wait(30)

    slow = Materializer(
        Around(lake.settings, wait), Models.from_env(lake), Graph.of(line()), sleep=lambda seconds: None
    )
    running = threading.Thread(target=slow.run)
    running.start()
    assert kept_back.wait(30)
    put(lake, "b.csv", "id,name\n2,ok\n-2,bad\n")
    assert made_by(lake, *line()).run().is_ok
    put(lake, "c.csv", "id,name\n3,ok\n-3,bad\n")
    published.set()
    running.join()
    assert made_by(lake, *line()).run().is_ok
    assert ids(lake, KEY) == ["1", "2", "3"]
    assert kept(lake) == ["-1", "-2", "-3"]


@pytest.mark.parametrize("ahead", [0, HOUR])
def test_what_a_killed_run_kept_back_makes_way_whatever_the_clock_says(lake: Lake, ahead: int) -> None:
    """The clock stood ahead until the first run had ended."""

    def die(engine: Engine, frame: object, publication: Publication) -> None:
        raise KeyError("killed")

    put(lake, "a.csv", "id,name\n1,ok\n-1,bad\n")
    assert made_by(lake, *line()).run().is_ok
    for key in (KEY, KEPT):
        later(Path(lake.location(key).uri) / "_delta_log" / f"{0:020}.json", ahead)
    put(lake, "b.csv", "id,name\n2,ok\n-2,bad\n")
    with pytest.raises(KeyError):
        made_by(Around(lake.settings, die), *line()).run()
    put(lake, "c.csv", "id,name\n3,ok\n-3,bad\n")
    assert made_by(lake, *line()).run().is_ok
    assert ids(lake, KEY) == ["1", "2", "3"]
    assert kept(lake) == ["-1", "-2", "-3"]


def test_a_try_again_of_the_same_run_keeps_back_once(lake: Lake) -> None:
    tries = []

    def fail_once(engine: Engine, frame: object, publication: Publication) -> None:
        tries.append(publication.sequence)
        if len(tries) == 1:
            raise StoreUnreachable("the store", "it is away")

    put(lake, "a.csv", "id,name\n1,ok\n-1,bad\n")
    assert made_by(Around(lake.settings, fail_once), *line()).run().is_ok
    assert tries == [1, 1]
    assert kept(lake) == ["-1"]


def test_a_wrong_row_that_comes_again_is_another_row_to_release(lake: Lake) -> None:
    for name in ("a.csv", "b.csv"):
        put(lake, name, f"id,name\n-1,bad\n{name},ok\n")
        assert made_by(lake, *line()).run().is_ok
    first, second = lake.read_arrow(KEPT).sort_by("sequence")["row_id"].to_pylist()
    assert mend(lake, {first: "one"}).released == 1
    assert kept(lake) == ["-1"]
    assert mend(lake, {second: "two"}).version is not None
    table = lake.read_arrow(KEY)
    assert sorted(table["name"].to_pylist()) == ["ok", "ok", "one", "two"]
    assert kept(lake) == []


def mend(lake: Lake, names: dict[str, str]) -> Release:
    def read(like: pa.Schema) -> pa.Table:
        told = [{"row_id": row, "id": "-1", "name": name} for row, name in names.items()]
        return pa.Table.from_pylist(told, schema=like)

    return released(lake, Models.from_env(lake), Graph.of(line()), KEY, read, "typed wrong")


def later(commit: Path, milliseconds: int) -> None:
    """Writes a commit as if it had been made at another time."""
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    for action in actions:
        if "commitInfo" in action:
            action["commitInfo"]["timestamp"] += milliseconds
    commit.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
