"""Loading definitions: from where, and what an author is told when it goes wrong."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assets import catalog
from assets.errors import (
    AmbiguousName,
    BadKey,
    BadOption,
    Cycle,
    DefinitionsUnloadable,
    DefinitionWrong,
    UnknownInput,
)
from lakehouse.errors import PlatformError

HEAD = "from assets import asset, external, model, rows\n\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Writes a module into the working folder, which is the test's own."""
    path, modules = list(sys.path), set(sys.modules)
    monkeypatch.chdir(tmp_path)

    def written(name: str, text: str) -> None:
        file = tmp_path / f"{name.replace('.', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEAD + text)

    yield written
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(tmp_path)) or name == "shop":
            del sys.modules[name]


ONE = '@asset("bronze.orders")\ndef orders():\n    return None\n'
TWO = '@asset("silver.paid")\ndef paid(orders):\n    return orders\n'


def refused(*modules: str) -> str:
    """What an author is told of definitions that are no graph."""
    with pytest.raises(PlatformError) as caught:
        catalog.load(modules)
    assert isinstance(caught.value, (DefinitionWrong, DefinitionsUnloadable))
    return str(caught.value)


def test_the_environment_names_a_module_of_the_working_folder(
    write: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("shop_one", ONE + TWO)
    monkeypatch.setenv("LAKELINE_DEFINITIONS", "shop_one")
    assert catalog.load().order == ("bronze.orders", "silver.paid")


def test_the_environment_names_several_modules_that_make_one_graph(
    write: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("shop_two", "from shop_first import orders\n\n" + TWO)
    write("shop_first", ONE)
    monkeypatch.setenv("LAKELINE_DEFINITIONS", " shop_two , shop_first,")
    graph = catalog.load()
    assert graph.order == ("bronze.orders", "silver.paid")
    assert str(graph.assets["silver.paid"].where) == "shop_two.py:5"


def test_without_a_word_the_shipped_example_is_loaded() -> None:
    assert "gold.iris_features" in catalog.load().order


def test_an_empty_word_is_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_DEFINITIONS", "")
    assert "gold.iris_features" in catalog.load().order


def test_a_package_stands_for_all_its_modules(write: Callable[[str, str], None]) -> None:
    write("shop.__init__", "")
    write("shop.raw", ONE)
    write("shop.deep.__init__", "")
    write("shop.deep.paid", TWO)
    write("shop.__main__", "raise SystemExit('nobody started this')\n")
    assert catalog.load(["shop"]).order == ("bronze.orders", "silver.paid")


def test_a_working_folder_needs_no_installation_and_parsing_imports_nothing_heavy(
    write: Callable[[str, str], None], tmp_path: Path
) -> None:
    write("shop_light", ONE + TWO)
    script = (
        "import sys; from assets.catalog import load; print(load().order); "
        "print([name for name in ('pyspark', 'mlflow', 'duckdb', 'deltalake', 'pandas') if name in sys.modules])"
    )
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "LAKELINE_DEFINITIONS": "shop_light"}
    command = [sys.executable, "-c", script]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert told == "('bronze.orders', 'silver.paid')\n[]\n"


def test_an_unknown_module_is_named_with_where_it_was_looked_for(
    write: Callable[[str, str], None], tmp_path: Path
) -> None:
    told = refused("no_such_shop")
    assert "'no_such_shop' cannot be loaded: no such module" in told
    assert str(tmp_path) in told
    assert "LAKELINE_DEFINITIONS" in told
    write("shop.__init__", "")
    assert "no such module" in refused("shop.nothing")


@pytest.mark.parametrize("missing", ["no_such_package", "shop_import"])
def test_a_package_that_a_module_misses_is_told_where_it_is_imported(
    write: Callable[[str, str], None], missing: str, tmp_path: Path
) -> None:
    write("shop_import_orders", f"import {missing}\n")
    told = refused("shop_import_orders")
    assert f"ModuleNotFoundError at {tmp_path / 'shop_import_orders.py'}:3: No module named '{missing}'" in told


def test_a_syntax_error_is_told_with_file_and_line(write: Callable[[str, str], None], tmp_path: Path) -> None:
    write("shop_syntax", "x = 1\ndef broken(:\n    pass\n")
    assert f"SyntaxError at {tmp_path / 'shop_syntax.py'}:4: invalid syntax" in refused("shop_syntax")


def test_what_a_module_raises_is_told_with_file_and_line(write: Callable[[str, str], None], tmp_path: Path) -> None:
    write("shop_raises", "x = 1\ny = {}['orders']\n")
    assert f"KeyError at {tmp_path / 'shop_raises.py'}:4: 'orders'" in refused("shop_raises")


def test_a_module_that_cannot_be_read_as_text_is_told(write: Callable[[str, str], None], tmp_path: Path) -> None:
    (tmp_path / "shop_bytes.py").write_bytes(b"x = '\xff'\n")
    assert "shop_bytes" in refused("shop_bytes")
    (tmp_path / "shop_nul.py").write_bytes(b"x = 1\0\n")
    assert "shop_nul" in refused("shop_nul")


def test_a_module_that_ends_python_is_told(write: Callable[[str, str], None]) -> None:
    write("shop_exit", "import sys\nsys.exit(3)\n")
    assert "SystemExit at" in refused("shop_exit")


def test_an_unknown_input_is_told_with_the_nearest_names_and_its_place(write: Callable[[str, str], None]) -> None:
    write("shop_unknown", ONE + '\n@asset("silver.paid", inputs={"o": "bronze.ordes"})\ndef paid(o):\n    return o\n')
    with pytest.raises(UnknownInput) as caught:
        catalog.load(["shop_unknown"])
    assert str(caught.value) == (
        "shop_unknown.py:7: silver.paid reads 'bronze.ordes', which no definition produces; did you mean bronze.orders?"
    )


def test_an_unknown_input_by_its_parameter_is_told_too(write: Callable[[str, str], None]) -> None:
    write("shop_parameter", TWO)
    told = refused("shop_parameter")
    assert told.startswith("shop_parameter.py:3: silver.paid reads 'orders', which no definition produces; declare it")


def test_a_cycle_is_told_with_all_places_over_modules(write: Callable[[str, str], None]) -> None:
    write("shop_a", '@asset("silver.a")\ndef a(b):\n    return b\n')
    write("shop_b", '\n@asset("silver.b")\ndef b(a):\n    return a\n')
    with pytest.raises(Cycle) as caught:
        catalog.load(["shop_a", "shop_b"])
    assert "silver.a (shop_a.py:3)" in str(caught.value)
    assert "silver.b (shop_b.py:4)" in str(caught.value)


def test_an_asset_that_reads_itself_is_a_cycle(write: Callable[[str, str], None]) -> None:
    write("shop_self", '@asset("silver.a")\ndef a(a):\n    return a\n')
    assert "silver.a -> silver.a" in refused("shop_self")


def test_two_writers_are_told_with_both_places(write: Callable[[str, str], None]) -> None:
    write("shop_writer", ONE)
    write("shop_another", "\n\n" + ONE)
    with pytest.raises(AmbiguousName) as caught:
        catalog.load(["shop_writer", "shop_another"])
    assert str(caught.value) == (
        "shop_another.py:5: 'bronze.orders' has two writers; a table has one, "
        "and the first is declared at shop_writer.py:3"
    )


def test_two_writers_whose_functions_share_a_name_are_told_too(write: Callable[[str, str], None]) -> None:
    write("shop_twice", ONE + ONE)
    told = refused("shop_twice")
    assert told.startswith("shop_twice.py:3: the name of the function is 'orders' again at shop_twice.py:7")


def test_an_asset_whose_function_is_defined_over_is_told(write: Callable[[str, str], None]) -> None:
    write("shop_over", ONE + '@asset("bronze.refunds")\ndef orders():\n    return None\n')
    told = refused("shop_over")
    assert told.startswith("shop_over.py:3: the name of the function is 'orders' again at shop_over.py:7")


def test_a_name_in_two_layers_is_told_with_both_places(write: Callable[[str, str], None]) -> None:
    write("shop_layers", ONE + '@asset("silver.orders")\ndef more():\n    return None\n')
    told = refused("shop_layers")
    assert told.startswith("shop_layers.py:6: 'bronze.orders' and 'silver.orders' share a name")
    assert told.endswith("shop_layers.py:3")


@pytest.mark.parametrize(
    ("declared", "kind", "told"),
    [
        ('@asset("silver.a", write="upsert")\ndef a():\n    return 1\n', BadOption, "write is 'upsert'"),
        ('@asset("silver.a", engine="pandas")\ndef a():\n    return 1\n', BadOption, "engine is 'pandas'"),
        (
            '@asset("silver.a", checks=[rows("x > 0", otherwise="drop")])\ndef a():\n    return 1\n',
            BadOption,
            "wanted one of 'warn', 'quarantine', 'fail'",
        ),
        ('@model("models.a", gates={"staging": "robot"})\ndef a():\n    return 1\n', BadOption, "gate is 'robot'"),
        ('@asset("Silver.A")\ndef a():\n    return 1\n', BadKey, "wanted 'layer.name'"),
        ('a = external("landing.a", files="a/*.csv")\n', BadOption, "columns of 'landing.a'"),
        ('a = external("landing.a", files="/a/*.csv", columns=("x",))\n', BadOption, "below the landing folder"),
        ('a = external("landing.a", files="../*.csv", columns=("x",))\n', BadOption, "below the landing folder"),
        ('@asset("silver.a", inputs={"b": "bronze.b"})\ndef a():\n    return 1\n', BadOption, "among the function's"),
        ('@asset("silver.a")\ndef a(*frames):\n    return 1\n', BadOption, "'*frames'"),
        ('@asset("silver.a")\ndef a(frame, /):\n    return 1\n', BadOption, "'frame'"),
    ],
)
def test_an_option_of_an_unknown_value_is_told_with_its_place(
    write: Callable[[str, str], None], declared: str, kind: type[DefinitionWrong], told: str, tmp_path: Path
) -> None:
    name = f"shop_{tmp_path.name}".replace("-", "_").replace("[", "_").replace("]", "_")
    write(name, declared)
    with pytest.raises(kind) as caught:
        catalog.load([name])
    assert str(caught.value).startswith(f"{name}.py:3: ")
    assert told in str(caught.value)
