import pytest

from assets.errors import UnknownAsset
from assets.graph import Graph
from assets.select import select
from tests.assets.test_graph import table


@pytest.fixture
def line() -> Graph:
    return Graph.of([table("bronze.a"), table("silver.b", "bronze.a"), table("gold.c", "silver.b"), table("gold.d")])


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("*", {"bronze.a", "silver.b", "gold.c", "gold.d"}),
        ("silver.b", {"silver.b"}),
        ("b", {"silver.b"}),
        ("gold.*", {"gold.c", "gold.d"}),
        ("+silver.b", {"bronze.a", "silver.b"}),
        ("silver.b+", {"silver.b", "gold.c"}),
        ("+silver.b+", {"bronze.a", "silver.b", "gold.c"}),
        ("bronze.*+", {"bronze.a", "silver.b", "gold.c"}),
        ("bronze.a, gold.d", {"bronze.a", "gold.d"}),
    ],
)
def test_words_choose_a_part_of_the_graph(line: Graph, words: str, keys: set[str]) -> None:
    assert set(select(line, words)) == keys


def test_an_unknown_name_is_told_with_the_nearest(line: Graph) -> None:
    with pytest.raises(UnknownAsset, match="did you mean silver.b"):
        select(line, "silver.bb")


def test_the_order_is_the_graphs(line: Graph) -> None:
    assert select(line, "gold.c bronze.a") == ("bronze.a", "gold.c")
