import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets import asset, external, model
from assets.asset import Asset, group_of, kinds_of
from assets.errors import BadSelection, NoAssetHas, NotOne, UnknownAsset
from assets.graph import Graph
from assets.select import only, select
from assets.selection import Selection
from tests.assets.test_grammar import selections
from tests.assets.test_graph import table


def shop() -> tuple[Asset, ...]:
    """raw -> orders -> totals, told; orders, customers -> joined -> model; alone."""

    @model("models.churn", inputs={"rows": "gold.joined"}, tags={"daily": ""}, group="science")
    def churn(rows: object) -> object:
        return rows

    return (
        external("landing.raw", files="raw/*.csv", columns=("id",), tags={"line": "shop"}, owner="cy", group="doors"),
        asset("bronze.orders", inputs={"a": "landing.raw"}, owner="ann@example.org", tags={"line": "shop"})(
            lambda a: a
        ),
        asset("bronze.customers", owner="ann@example.org", group="doors", tags={"line": "crm"})(lambda: None),
        asset("silver.totals", inputs={"a": "bronze.orders"}, engine="duckdb", tags={"daily": "9:00"})(lambda a: a),
        table("silver.told", "silver.totals"),
        table("gold.joined", "bronze.orders", "bronze.customers"),
        churn,
        asset("gold.alone", owner="bo")(lambda: None),
    )


GRAPH = Graph.of(shop())
NAMES = {key.split(".")[1]: key for key in GRAPH.order}


def chosen(words: str | Selection) -> set[str]:
    """The bare names of what is chosen, where orders and what is made from it are stale."""
    stale = {key for key in GRAPH.order if key.startswith("silver.")} | {"bronze.orders", "gold.joined", "models.churn"}
    return {key.split(".")[1] for key in select(GRAPH, words, stale=lambda: stale)}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("*", "orders customers totals told joined churn alone"),
        ("bronze.orders", "orders"),
        ("orders", "orders"),
        ("key:orders", "orders"),
        ("landing.raw", "raw"),
        ("gold.*", "joined alone"),
        ("*o*er*", "orders customers"),
        ('key:"silver.to*"', "totals told"),
        ("key:*", "raw orders customers totals told joined churn alone"),
        ("bronze.orders, alone", "orders alone"),
        ("tag:line=shop", "raw orders"),
        ("tag:line", "raw orders customers"),
        ("tag:daily", "totals churn"),
        ('tag:daily=""', "churn"),
        ('tag:daily="9:00"', "totals"),
        ("owner:ann@example.org", "orders customers"),
        ("group:gold", "joined alone"),
        ("group:science", "churn"),
        ("group:doors", "raw customers"),
        ("group:bronze", "orders"),
        ("kind:table", "orders customers totals told joined alone"),
        ("kind:model", "churn"),
        ("kind:external", "raw"),
        ("kind:duckdb", "totals"),
        ("kind:spark", "orders customers told joined alone"),
        ("+joined", "raw orders customers joined"),
        ("joined+", "joined churn"),
        ("1+joined", "orders customers joined"),
        ("orders+1", "orders totals joined"),
        ("2+joined+1", "raw orders customers joined churn"),
        ("0+joined", "joined"),
        ("landing.*+1", "raw orders"),
        ("+joined+", "raw orders customers joined churn"),
        ("+(totals or customers)", "raw orders totals customers"),
        ("(totals or customers)+1", "totals told customers joined"),
        ("orders+ and +told", "orders totals told"),
        ("not bronze.*", "raw totals told joined churn alone"),
        ("* and not bronze.*", "totals told joined churn alone"),
        ("gold.*, silver.* and not told", "joined alone totals"),
        ("not gold.* and not silver.*", "raw orders customers churn"),
        ("landing.* and not orders", "raw"),
        ("sinks()", "told churn alone"),
        ("roots()", "orders customers alone"),
        ("sinks(+joined)", "joined"),
        ("roots(joined+)", "joined"),
        ("roots(silver.* or churn)", "totals churn"),
        ("sinks(bronze.*)", "orders customers"),
        ("stale()", "orders totals told joined churn"),
        ("stale() and not kind:model", "orders totals told joined"),
        ("stale() and alone", ""),
        ("gold.* and tag:daily", ""),
    ],
)
def test_words_choose_a_part_of_the_graph(words: str, names: str) -> None:
    assert chosen(words) == set(names.split())


def test_what_lies_between_counts_for_the_ends_though_it_is_not_chosen() -> None:
    assert chosen("sinks(orders or told)") == {"told"}
    assert chosen("roots(orders or told)") == {"orders"}


def test_roots_are_what_a_run_would_make_first_and_what_others_make_is_no_input() -> None:
    assert chosen("roots(+joined)") == {"raw", "orders", "customers"}
    assert chosen("roots(kind:external)") == {"raw"}


def test_the_order_is_the_graphs() -> None:
    assert select(GRAPH, "told, orders, raw") == ("landing.raw", "bronze.orders", "silver.told")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("silver.tolds", "no asset is named 'silver.tolds'; did you mean silver.told"),
        ("orders, tolds", "did you mean silver.told"),
        ("not tolds", "did you mean silver.told"),
        ("golds.*", "no asset is named 'golds.*'"),
        ("ord*", "did you mean *.ord*?"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(words: str, told: str) -> None:
    with pytest.raises(UnknownAsset) as caught:
        select(GRAPH, words)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("tag:dialy", "no asset has the tag 'dialy'; did you mean daily?"),
        ("tag:line=shp", "no asset has the tag 'line=shp'; did you mean line=shop?"),
        ("owner:zoe", "no asset has the owner 'zoe'; there are ann@example.org, bo, cy"),
        ("group:sience", "did you mean science?"),
        ("kind:modle", "did you mean model?"),
        ("gold.* and group:sience", "did you mean science?"),
    ],
)
def test_nothing_chosen_for_a_filter_that_fits_nothing_is_told_with_the_nearest(words: str, told: str) -> None:
    with pytest.raises(NoAssetHas) as caught:
        select(GRAPH, words)
    assert told in str(caught.value)


def test_a_filter_that_fits_nothing_is_an_empty_set_where_something_is_chosen() -> None:
    assert chosen("gold.* and not tag:deprecated") == {"joined", "alone"}
    assert chosen("alone, old.*") == {"alone"}


def test_what_is_stale_is_asked_only_where_the_words_say_so_and_is_refused_where_nobody_can_tell() -> None:
    def asked() -> tuple[str, ...]:
        raise AssertionError

    assert select(GRAPH, "alone and not tag:stale", stale=asked) == ("gold.alone",)
    with pytest.raises(BadSelection, match="needs no plan"):
        select(GRAPH, "alone, stale()")


def test_one_asset_is_one() -> None:
    assert only(GRAPH, "joined") == "gold.joined"
    assert only(GRAPH, "*.al*") == "gold.alone"
    with pytest.raises(NotOne, match=r"'\+joined' chooses .*, gold.joined; name one asset"):
        only(GRAPH, "+joined")


def test_a_group_is_the_layer_where_the_author_gave_none() -> None:
    told = {key: (group_of(each), kinds_of(each)) for key, each in GRAPH.assets.items()}
    assert told["models.churn"] == ("science", ("model",))
    assert told["silver.totals"] == ("silver", ("table", "duckdb"))
    assert told["landing.raw"] == ("doors", ("external",))
    assert told["bronze.orders"] == ("bronze", ("table", "spark"))


words = st.sampled_from(
    [
        "*",
        "gold.*",
        "+joined",
        "1+told",
        "orders+1",
        "sinks()",
        "roots(not gold.*)",
        "tag:daily",
        "kind:model",
        "stale()",
    ]
)


@given(words, words)
def test_law_selections_are_sets(one: str, other: str) -> None:
    everything = set(NAMES)
    assert chosen(f"({one}) and ({other})") == chosen(one) & chosen(other)
    assert chosen(f"({one}), ({other})") == chosen(one) | chosen(other)
    assert chosen(f"not ({one})") == everything - chosen(one)
    assert chosen(f"not (({one}) or ({other}))") == chosen(f"not ({one}) and not ({other})")
    assert chosen(f"not not ({one})") == chosen(one)


@settings(max_examples=30)
@given(selections)
def test_law_a_value_chooses_what_its_text_chooses(selection: Selection) -> None:
    def told(words: str | Selection) -> object:
        try:
            return chosen(words)
        except (UnknownAsset, NoAssetHas) as error:
            return str(error)

    assert told(selection) == told(str(selection))


@pytest.mark.slow
def test_a_chain_of_thousands_needs_no_recursion() -> None:
    names = [f"silver.t{number}" for number in range(1500)]
    graph = Graph.of([table(name, *names[max(place - 1, 0) : place]) for place, name in enumerate(names)])
    assert len(select(graph, f"+{names[-1]}")) == 1500
    assert select(graph, f"sinks({names[0]}+)") == (names[-1],)
