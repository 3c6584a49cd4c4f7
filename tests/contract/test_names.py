"""Names that are not plain words, a thousand columns and a million rows: written and merged by each, read by each."""

from collections.abc import Callable
from functools import cache

import pyarrow as pa
import pytest

from lakehouse.engine import EngineName
from lakehouse.engines.spark import SparkEngine
from lakehouse.errors import PlatformError, SchemaRefused
from lakehouse.lake import Lake
from lakehouse.merge import Merge
from tests.contract.conftest import ENGINES, READERS, Bench, UnsafeReader, lake_at, read_by, reading

pytestmark = pytest.mark.slow

PLAIN = ["Größe", "UPPER", "with.dot", 'a"quote', "a`tick", "尺寸", "a'b", "1st", "select", "a-b", "#", "a/b", "%41"]
MAPPED = ["a space", "x,y", "(p)", "a=b", "{c}", "semi;colon", "tab\t", "new\nline"]
"""Spark holds these under other names in the files, which is a feature of the table that its readers must know."""
WIDE = pa.table({"id": [1, 2], **{f"c{place}": [place, None] for place in range(999)}})
MANY = 1_000_000

Written = Callable[[EngineName], Lake]


@pytest.fixture(scope="module")
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The lake into which a writer has put a table for each case: an insert, a merge that updates, and an append."""

    @cache
    def write(writer: EngineName) -> Lake:
        lake = lake_at(tmp_path_factory.mktemp("names"), request, on_spark=writer == "spark")
        for key, names in (("silver.plain", PLAIN), ("silver.mapped", MAPPED)):
            keys = Merge(on=("id", names[0]), delete=f"{quoted(names[1], writer)} = 9")
            table = Bench(lake, writer, key)
            table.publish(rows([1, 2], names), 1, write=keys)
            table.publish(rows([2, 3], names, last=5), 2, write=keys)
            table.publish(rows([4], names), 3, write="append")
        wide = Bench(lake, writer, "silver.wide")
        wide.publish(WIDE, 1, write="append")
        wide.publish(WIDE, 2, write=Merge(on=("id",)))
        many, number = Bench(lake, writer, "silver.many"), "range" if writer == "duckdb" else "id"
        sql = f"SELECT {number} AS id, {number} % 7 AS x, 'name ' || {number} AS z FROM range({MANY})"
        many.publish(lambda engine: computed(engine, sql), 1, write="append")
        many.publish(lambda engine: computed(engine, f"{sql} WHERE {number} > 999990"), 2, write=Merge(on=("id",)))
        return lake

    return write


def rows(ids: list[int], names: list[str], last: int = 1) -> pa.Table:
    inner = {name: [place] * len(ids) for place, name in enumerate(names[:-1])}
    return pa.table({"id": ids, **inner, names[-1]: [last] * len(ids)})


def quoted(name: str, engine: EngineName) -> str:
    return f"`{name.replace('`', '``')}`" if engine == "spark" else '"' + name.replace('"', '""') + '"'


def computed(engine: object, sql: str) -> object:
    """A frame of an engine's own, as an author's function makes one."""
    if isinstance(engine, SparkEngine):
        with engine._connection.using() as session:
            return session.sql(sql)
    return engine._connection.sql(sql)  # type: ignore[attr-defined]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", ENGINES)
@pytest.mark.parametrize(("key", "names"), [("silver.plain", PLAIN), ("silver.mapped", MAPPED)])
def test_names_survive_a_write_and_a_merge(
    written: Written, writer: EngineName, reader: str, key: str, names: list[str], request: pytest.FixtureRequest
) -> None:
    if (writer, reader, names) == ("spark", "delta-rs", MAPPED):
        request.applymarker(pytest.mark.xfail(raises=UnsafeReader, reason="column mapping is a reader feature"))
    found = read_by(reader, reading(written(writer), reader, request), key)
    last = names[-1]
    assert found.column_names == ["id", *names]
    assert found.sort_by("id").select(["id", names[0], last]).to_pylist() == [
        {"id": 1, names[0]: 0, last: 1},
        {"id": 2, names[0]: 0, last: 5},
        {"id": 3, names[0]: 0, last: 5},
        {"id": 4, names[0]: 0, last: 1},
    ]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", ENGINES)
def test_a_thousand_columns(written: Written, writer: EngineName, reader: str, request: pytest.FixtureRequest) -> None:
    found = read_by(reader, reading(written(writer), reader, request), "silver.wide")
    assert found.sort_by("id").to_pylist() == WIDE.to_pylist()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", ENGINES)
def test_a_million_rows(written: Written, writer: EngineName, reader: str, request: pytest.FixtureRequest) -> None:
    found = read_by(reader, reading(written(writer), reader, request), "silver.many")
    assert found.num_rows == len(set(found["id"].to_pylist())) == MANY
    assert sum(found["x"].to_pylist()) == sum(number % 7 for number in range(MANY))


@pytest.mark.parametrize("names", [["id", "Id"], ["größe", "id", "GRÖßE"]])
def test_names_that_differ_in_case_alone_are_refused_before_anything_is_written(bench: Bench, names: list[str]) -> None:
    with pytest.raises(PlatformError, match=f"columns '{names[0]}' and '{names[-1]}' are one name"):
        bench.publish(pa.table({name: [1] for name in names}), 1)
    assert bench.commits == 0


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_name_that_duckdb_keeps_under_another_is_refused(name: str) -> None:
    bench = Bench(Lake.from_env(), "duckdb")
    with pytest.raises(PlatformError, match="which DuckDB keeps under another name"):
        bench.publish(pa.table({name: [1], "id": [1]}), 1)
    assert bench.commits == 0


@pytest.mark.spark
def test_a_name_that_a_table_was_not_made_for_is_refused_by_spark(on_spark: str) -> None:
    bench = Bench(Lake.from_env(), "spark")
    bench.publish(pa.table({"id": [1]}), 1)
    with pytest.raises(SchemaRefused, match="columns 'a b' hold a space"):
        bench.publish(pa.table({"id": [1], "a b": [1]}), 2)
    assert bench.rows() == [{"id": 1}]
