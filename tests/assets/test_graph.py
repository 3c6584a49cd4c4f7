from pathlib import Path

import pytest

from assets import asset, external, model, references, unique
from assets.asset import Asset, TableAsset
from assets.errors import AmbiguousName, BadKey, BadOption, Cycle, DefinitionWrong, UnknownInput
from assets.graph import Graph
from observability.drift_log import KEY as DRIFT
from registry.journal import KEY as JOURNAL

HERE = str(Path(__file__).relative_to(Path.cwd()))


def table(key: str, *inputs: str) -> TableAsset:
    """A table that reads the inputs, under the parameter names a, b and c."""
    names = dict(zip("abc", inputs, strict=False))
    functions = {0: lambda: None, 1: lambda a: None, 2: lambda a, b: None, 3: lambda a, b, c: None}
    return asset(key, inputs=names)(functions[len(inputs)])


def diamond() -> tuple[Asset, ...]:
    return (
        table("gold.bottom", "silver.left", "silver.right"),
        table("silver.left", "bronze.top"),
        table("silver.right", "bronze.top"),
        table("bronze.top"),
    )


def test_inputs_come_before_what_reads_them() -> None:
    order = Graph.of(diamond()).order
    assert order[0] == "bronze.top"
    assert order[-1] == "gold.bottom"


def test_an_input_may_be_named_by_the_parameter_alone() -> None:
    @asset("silver.orders")
    def orders(raw_orders: object) -> object:
        return raw_orders

    graph = Graph.of([table("bronze.raw_orders"), orders])
    assert graph.upstream["silver.orders"] == {"bronze.raw_orders"}


def test_an_unknown_input_names_the_place_and_the_nearest_keys() -> None:
    with pytest.raises(UnknownInput) as caught:
        Graph.of([table("bronze.orders"), table("silver.clean", "bronze.ordes")])
    assert "did you mean bronze.orders" in str(caught.value)
    assert f"{HERE}:" in str(caught.value)


def test_a_cycle_names_everyone_in_it_with_the_place() -> None:
    with pytest.raises(Cycle) as caught:
        Graph.of([table("silver.a", "silver.b"), table("silver.b", "silver.a")])
    assert {"silver.a", "silver.b"} == set(caught.value.keys)
    assert f"{HERE}:" in str(caught.value)


def test_two_writers_of_one_table_are_refused_with_both_places() -> None:
    with pytest.raises(AmbiguousName, match="two writers") as caught:
        Graph.of([table("silver.a"), table("silver.a")])
    assert str(caught.value).count(f"{HERE}:") == 2


def test_a_name_is_unique_over_layers() -> None:
    with pytest.raises(AmbiguousName, match="share a name"):
        Graph.of([table("silver.a"), table("gold.a")])


@pytest.mark.parametrize(
    "key", ["orders", "Silver.orders", "a.b.c", "quarantine.x", "released.x", "silver.", "silver.ord-ers"]
)
def test_a_key_that_is_no_key_is_refused_with_its_place(key: str) -> None:
    with pytest.raises(BadKey, match=HERE):
        table(key)


@pytest.mark.parametrize("key", [JOURNAL, DRIFT, "ops.prediction_log"])
def test_a_table_that_the_platform_writes_is_read_and_made_by_nobody_else(key: str) -> None:
    for declare in (asset, model):
        with pytest.raises(BadKey, match=f"{key}' is a table that Lakeline writes itself; wanted another name"):
            declare(key)(lambda: None)
    read = external(key, table=key.replace(".", "/"))
    assert Graph.of([read, table("ops.read", key)]).upstream["ops.read"] == {key}


def test_a_model_is_read_by_alias_and_a_table_is_not() -> None:
    @model("models.m")
    def trained() -> object:
        return None

    with pytest.raises(BadOption, match="alias"):
        Graph.of([trained, table("gold.p", "models.m")])
    with pytest.raises(BadOption, match="alias"):
        Graph.of([table("silver.s"), table("gold.p", "silver.s@staging")])
    assert Graph.of([trained, table("gold.p", "models.m@staging")]).order == ("models.m", "gold.p")


def test_wrong_options_are_refused_where_they_stand() -> None:
    with pytest.raises(BadOption, match="write is 'upsert'"):
        asset("silver.a", write="upsert")(lambda: None)  # type: ignore[arg-type]
    with pytest.raises(BadOption, match="engine is 'polars'"):
        asset("silver.a", engine="polars")(lambda: None)  # type: ignore[arg-type]
    with pytest.raises(BadOption, match="parameters"):
        asset("silver.a", inputs={"b": "silver.b"})(lambda a: None)
    with pytest.raises(BadOption, match="one of the tables among the inputs"):
        Graph.of([asset("silver.a", checks=[references("x", "silver.other", "y")])(lambda: None)])
    with pytest.raises(BadOption, match="otherwise"):
        asset("silver.a", checks=[unique("x", otherwise="ignore")])(lambda: None)  # type: ignore[arg-type]
    with pytest.raises(BadOption, match="exactly one"):
        external("landing.a")
    with pytest.raises(BadOption, match="header"):
        external("landing.a", files="a/*.csv")


def test_every_error_of_definitions_is_one_family() -> None:
    for kind in (BadKey, BadOption, UnknownInput, AmbiguousName, Cycle):
        assert issubclass(kind, DefinitionWrong)


def test_an_asset_can_be_called_like_the_function_it_is() -> None:
    @asset("silver.doubled")
    def doubled(numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]

    assert doubled([1, 2]) == [2, 4]
