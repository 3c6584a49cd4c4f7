"""Names that are not plain words, written and merged by each engine, and read by each reader."""

import pyarrow as pa
import pytest

from lakehouse.engine import EngineName
from lakehouse.errors import PlatformError, SchemaRefused
from lakehouse.lake import Lake
from lakehouse.merge import Merge
from tests.contract.conftest import READERS, Bench, UnsafeReader, read_by

pytestmark = pytest.mark.slow

PLAIN = ["Größe", "UPPER", "with.dot", 'a"quote', "a`tick", "尺寸", "a'b", "1st", "select", "a-b", "#", "a/b", "%41"]
MAPPED = ["a space", "x,y", "(p)", "a=b", "{c}", "semi;colon", "tab\t", "new\nline"]
"""Spark holds these under other names in the files, which is a feature of the table that its readers must know."""


@pytest.mark.parametrize("reader", READERS)
def test_names_survive_a_write_and_a_merge(bench: Bench, reader: str, request: pytest.FixtureRequest) -> None:
    names_survive(bench, reader, PLAIN, request)


@pytest.mark.parametrize("reader", READERS)
def test_names_that_spark_has_to_map_survive_too(bench: Bench, reader: str, request: pytest.FixtureRequest) -> None:
    if bench.name == "spark" and reader == "delta-rs":
        request.applymarker(pytest.mark.xfail(raises=UnsafeReader, reason="column mapping is a reader feature"))
    names_survive(bench, reader, MAPPED, request)


def names_survive(bench: Bench, reader: str, names: list[str], request: pytest.FixtureRequest) -> None:
    keys = Merge(on=("id", names[0]), delete=f"{quoted(names[1], bench.name)} = 9", drop=())
    bench.publish(rows([1, 2], names), 1, write=keys)
    bench.publish(rows([2, 3], names, last=5), 2, write=keys)
    bench.publish(rows([4], names), 3, write="append")
    if reader == "spark":
        request.getfixturevalue("on_spark")
    found = read_by(reader, Lake.from_env(), bench.key)
    assert found.column_names == ["id", *names]
    last = names[-1]
    assert found.sort_by("id").select(["id", names[0], last]).to_pylist() == [
        {"id": 1, names[0]: 0, last: 1},
        {"id": 2, names[0]: 0, last: 5},
        {"id": 3, names[0]: 0, last: 5},
        {"id": 4, names[0]: 0, last: 1},
    ]


def rows(ids: list[int], names: list[str], last: int = 1) -> pa.Table:
    inner = {name: [place] * len(ids) for place, name in enumerate(names[:-1])}
    return pa.table({"id": ids, **inner, names[-1]: [last] * len(ids)})


def quoted(name: str, engine: EngineName) -> str:
    return f"`{name.replace('`', '``')}`" if engine == "spark" else '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("names", [["id", "Id"], ["id", "größe", "GRÖSSE", "GRÖßE"]])
def test_names_that_differ_in_case_alone_are_refused_before_anything_is_written(bench: Bench, names: list[str]) -> None:
    with pytest.raises(
        PlatformError, match=f"columns '{names[-2 if len(names) == 2 else 1]}' and '{names[-1]}' are one"
    ):
        bench.publish(pa.table({name: [1] for name in names}), 1)
    assert bench.commits == 0


@pytest.mark.spark
def test_a_name_that_a_table_was_not_made_for_is_refused_by_spark(on_spark: str) -> None:
    bench = Bench(Lake.from_env(), "spark")
    bench.publish(pa.table({"id": [1]}), 1)
    with pytest.raises(SchemaRefused, match="columns a b hold a space"):
        bench.publish(pa.table({"id": [1], "a b": [1]}), 2)
    assert bench.rows() == [{"id": 1}]


@pytest.mark.parametrize("reader", READERS)
def test_a_thousand_columns(bench: Bench, reader: str, request: pytest.FixtureRequest) -> None:
    wide = pa.table({"id": [1, 2], **{f"c{place}": [place, None] for place in range(999)}})
    bench.publish(wide, 1, write="append")
    bench.publish(wide, 2, write=Merge(on=("id",)))
    if reader == "spark":
        request.getfixturevalue("on_spark")
    assert read_by(reader, Lake.from_env(), bench.key).sort_by("id").to_pylist() == wide.to_pylist()


@pytest.mark.parametrize("reader", READERS)
def test_a_million_rows(bench: Bench, reader: str, request: pytest.FixtureRequest) -> None:
    count = 1_000_000
    sql = "SELECT range AS id, range % 7 AS x, range / 3.0 AS y, 'name ' || range AS z FROM range(1000000)"
    if bench.name == "spark":
        sql = "SELECT id, id % 7 AS x, CAST(id / 3.0 AS DOUBLE) AS y, 'name ' || id AS z FROM range(1000000)"
    bench.publish(lambda engine: computed(engine, sql), 1, write="append")
    bench.publish(
        lambda engine: computed(engine, f"{sql} WHERE {'range' if bench.name == 'duckdb' else 'id'} >= 999990"),
        2,
        write=Merge(on=("id",)),
    )
    if reader == "spark":
        request.getfixturevalue("on_spark")
    found = read_by(reader, Lake.from_env(), bench.key)
    assert found.num_rows == count
    assert sum(found["x"].to_pylist()) == sum(number % 7 for number in range(count))
    assert len(set(found["id"].to_pylist())) == count


def computed(engine: object, sql: str) -> object:
    """A frame of an engine's own, as an author's function makes one."""
    connection = engine._connection  # type: ignore[attr-defined]
    return connection.session().sql(sql) if hasattr(connection, "session") else connection.sql(sql)
