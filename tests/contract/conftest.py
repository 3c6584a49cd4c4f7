"""Every writer, and every reader: what one writes, all of them read."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.engine import Engine, EngineName, Publication
from lakehouse.lake import Lake
from lakehouse.settings import LakeSettings
from lakehouse.stamp import Stamp

ENGINES = ["duckdb", pytest.param("spark", marks=pytest.mark.spark)]
READERS = ["duckdb", "delta-rs", pytest.param("spark", marks=pytest.mark.spark)]
KEY = "silver.things"


class UnsafeReader(Exception):
    """delta-rs answers wrong counts and silent NULLs from a table with reader features: nobody may read it so."""


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> EngineName:
    if request.param == "spark":
        request.getfixturevalue("on_spark")
    name: EngineName = request.param
    return name


@pytest.fixture
def lake(engine_name: EngineName) -> Lake:
    return Lake.from_env()


@pytest.fixture
def engine(lake: Lake, engine_name: EngineName) -> Engine:
    return lake.engine(engine_name)


class Bench:
    """One engine at work on one table of a lake."""

    def __init__(self, lake: Lake, name: EngineName, key: str = KEY) -> None:
        self.lake, self.name, self.key = lake, name, key

    def publish(
        self, rows: "pa.Table | Callable[[Engine], object]", sequence: int, run: str = "r", **how: object
    ) -> None:
        """Publishes rows, or the frame that a function makes of the engine, with a stamp."""
        engine = self.lake.engine(self.name)
        stamp = Stamp(asset=self.key, code="c", inputs={}, run=run, sequence=sequence)
        publication = Publication(
            location=self.lake.location(self.key),
            metadata=stamp.encode(),
            application=self.key,
            sequence=sequence,
            **{"write": "replace", **how},  # type: ignore[arg-type]
        )
        try:
            engine.publish(engine.from_arrow(rows) if isinstance(rows, pa.Table) else rows(engine), publication)
        finally:
            engine.release()

    def rows(self, version: int | None = None) -> list[dict[str, object]]:
        """What DuckDB reads of the table, by id."""
        return self.lake.read_arrow(self.key, version).sort_by("id").to_pylist()

    @property
    def commits(self) -> int:
        """How many commits the table has."""
        return len(self.lake.history(self.key))


@pytest.fixture
def bench(lake: Lake, engine_name: EngineName) -> Bench:
    return Bench(lake, engine_name)


def lake_at(home: Path, request: pytest.FixtureRequest, *, on_spark: bool) -> Lake:
    """A lake that several tests share."""
    jars = Path(os.environ.get("LAKELINE_JARS", Path(__file__).parents[2] / ".lakeline" / "jars"))
    remote = request.getfixturevalue("spark_remote") if on_spark else None
    return Lake(LakeSettings(lakeline_home=home, lakeline_jars=jars, spark_remote=remote))


def read_by(reader: str, lake: Lake, key: str, version: int | None = None) -> pa.Table:
    """A table as a reader sees it."""
    import deltalake

    place = lake.location(key)
    newest = lake.history(key)[-1].version if version is None else version
    if reader == "duckdb":
        return lake.read_arrow(key, newest)
    if reader == "spark":
        return lake.engine("spark").read(place, newest).toArrow()  # type: ignore[attr-defined]
    table = deltalake.DeltaTable(place.uri, version=newest)
    if table.protocol().min_reader_version > 1:
        raise UnsafeReader(table.protocol().reader_features)
    return table.to_pyarrow_table()


def reading(lake: Lake, reader: str, request: pytest.FixtureRequest) -> Lake:
    """The same lake, read on the shared server where the reader is Spark."""
    if reader != "spark" or lake.settings.spark_remote:
        return lake
    return spark_reader(lake, request.getfixturevalue("spark_remote"))


@cache
def spark_reader(lake: Lake, remote: str) -> Lake:
    return Lake(lake.settings.model_copy(update={"spark_remote": remote}))
