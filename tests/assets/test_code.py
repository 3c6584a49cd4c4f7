"""The code version is the same exactly while the code means the same."""

import importlib
import itertools
import os
import site
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assets import asset, model, rows
from assets.asset import Made
from assets.code import code_version
from assets.errors import BadOption

FRESH = itertools.count()

Versions = Callable[..., str]


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Versions]:
    """The code version of the asset `told` in module files that are written and imported anew each time."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] in {"definitions", "helpers", "kit"}]:
            del sys.modules[name]

    def written(text: str, **others: str) -> str:
        forget()
        folder = tmp_path / f"v{next(FRESH)}"
        for name, content in {"definitions": text, **others}.items():
            path = folder / f"{name.replace('.', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        monkeypatch.syspath_prepend(folder)
        importlib.invalidate_caches()
        found: Made = importlib.import_module("definitions").told
        return code_version(found)

    yield written
    forget()


HEAD = "from assets import asset, model, rows, unique\n"

PLAIN = (
    HEAD
    + '''
LIMIT = 3

def above(x):
    """Is it?"""
    return x > LIMIT

@asset("gold.told", inputs={"x": "silver.x"}, checks=[rows("id > 0")])
def told(x):
    """Tells."""
    return above(x)
'''
)


def test_the_same_text_is_the_same_version(version: Versions) -> None:
    assert version(PLAIN) == version(PLAIN)
    assert len(version(PLAIN)) == 16


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('    """Tells."""\n', '    """Says something else."""\n'),
        ('    """Tells."""\n', ""),
        ('    """Is it?"""\n', "    # it is\n"),
        ("    return above(x)", "    return above(  # of course\n        x\n    )"),
        ("LIMIT = 3", "LIMIT = 3  # flowers"),
        ("LIMIT = 3", "UNUSED = 5\nLIMIT = 3"),
        ('checks=[rows("id > 0")]', 'checks=[rows("id > 0")], owner="ann", tags={"line": "iris"}'),
        ("LIMIT = 3\n", "LIMIT = 3\n\ndef unused(x):\n    return x\n"),
    ],
)
def test_comments_docstrings_formatting_and_what_is_not_used_do_not_count(
    version: Versions, before: str, after: str
) -> None:
    assert before in PLAIN
    assert version(PLAIN.replace(before, after)) == version(PLAIN)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return above(x)", "return not above(x)"),
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("return x > LIMIT", "return x >= LIMIT"),
        ('rows("id > 0")', 'rows("id > 1")'),
        ('rows("id > 0")', 'rows("id > 0", otherwise="warn")'),
        ('[rows("id > 0")]', "[]"),
        ('[rows("id > 0")]', '[rows("id > 0"), unique("id")]'),
        ("def told(x):", "def told(x, y=None):"),
    ],
)
def test_a_changed_body_constant_helper_or_check_counts(version: Versions, before: str, after: str) -> None:
    assert before in PLAIN
    assert version(PLAIN.replace(before, after)) != version(PLAIN)


CHANGES = {
    "a constant of several values": ("WANTED = {'a': (1, 2)}\n", "", "WANTED", "(1, 2)", "(1, 3)"),
    "a literal default argument": ("def f(x, by=2):\n    return x * by\n", "", "f", "by=2", "by=3"),
    "a default argument that is a constant": (
        "BY = 2\ndef f(x, by=BY):\n    return x * by\n",
        "",
        "f",
        "BY = 2",
        "BY = 3",
    ),
    "a keyword default that is a constant": (
        "BY = 2\ndef f(x, *, by=BY):\n    return x * by\n",
        "",
        "f",
        "BY = 2",
        "BY = 3",
    ),
    "a helper's helper": (
        "def g(x):\n    return x * 2\ndef f(x):\n    return g(x)\n",
        "",
        "f",
        "x * 2",
        "x * 3",
    ),
    "a recursive helper": ("def f(x):\n    return f(x - 1) if x else 2\n", "", "f", "else 2", "else 3"),
    "a cached helper": (
        "from functools import cache\n@cache\ndef f(x):\n    return x * 2\n",
        "",
        "f",
        "x * 2",
        "x * 3",
    ),
    "a partial helper": (
        "from functools import partial\ndef g(by, x):\n    return x * by\nf = partial(g, 2)\n",
        "",
        "f",
        "partial(g, 2)",
        "partial(g, 3)",
    ),
    "one of two lambdas": (
        "twice = lambda x: x * 2\nthrice = lambda x: x * 3\ndef f(x):\n    return twice(x) + thrice(x)\n",
        "",
        "f",
        "x * 2",
        "x * 4",
    ),
    "the other of two lambdas": (
        "twice = lambda x: x * 2\nthrice = lambda x: x * 3\ndef f(x):\n    return twice(x) + thrice(x)\n",
        "",
        "f",
        "x * 3",
        "x * 4",
    ),
    "one of two closures": (
        "def times(by):\n    def inner(x):\n        return x * by\n    return inner\n"
        "twice = times(2)\nthrice = times(3)\ndef f(x):\n    return twice(x) + thrice(x)\n",
        "",
        "f",
        "times(2)",
        "times(4)",
    ),
    "the other of two closures": (
        "def times(by):\n    def inner(x):\n        return x * by\n    return inner\n"
        "twice = times(2)\nthrice = times(3)\ndef f(x):\n    return twice(x) + thrice(x)\n",
        "",
        "f",
        "times(3)",
        "times(4)",
    ),
    "a decorator of the project's": (
        "from functools import wraps\ndef more(f):\n    @wraps(f)\n    def inner(x):\n        return f(x) + 1\n"
        "    return inner\n@more\ndef f(x):\n    return x\n",
        "",
        "f",
        "f(x) + 1",
        "f(x) + 2",
    ),
    "a lambda in a table of rules": (
        "RULES = {\n    'a': lambda x: x * 2,\n    'b': lambda x: x * 3,\n}\n",
        "",
        "RULES",
        "x * 3",
        "x * 4",
    ),
    "a function in a tuple": ("def g(x):\n    return x * 2\nRULES = (g, 1)\n", "", "RULES", "x * 2", "x * 3"),
    "a helper that has a name of Python's": ("def sum(x):\n    return x * 2\n", "", "sum", "x * 2", "x * 3"),
    "a field of a named tuple": (
        "from collections import namedtuple\nC = namedtuple('C', 'a b')\n",
        "",
        "C",
        "'a b'",
        "'a c'",
    ),
    "a member of an enum": (
        "from enum import Enum\nclass C(Enum):\n    A = 1\n    B = 2\nWANTED = C.A\n",
        "",
        "WANTED",
        "= C.A",
        "= C.B",
    ),
    "a method": ("class C:\n    def m(self, x):\n        return x * 2\n", "", "C", "x * 2", "x * 3"),
    "what a method uses": (
        "BY = 2\nclass C:\n    def m(self, x):\n        return x * BY\n",
        "",
        "C",
        "BY = 2",
        "BY = 3",
    ),
    "what a static method uses": (
        "BY = 2\nclass C:\n    @staticmethod\n    def m(x):\n        return x * BY\n",
        "",
        "C",
        "BY = 2",
        "BY = 3",
    ),
    "what a property uses": (
        "BY = 2\nclass C:\n    @property\n    def m(self):\n        return BY\n",
        "",
        "C",
        "BY = 2",
        "BY = 3",
    ),
    "a class's own constant": ("BY = 2\nclass C:\n    by = BY\n", "", "C", "BY = 2", "BY = 3"),
    "a class above a class": (
        "class B:\n    def m(self, x):\n        return x * 2\nclass C(B):\n    pass\n",
        "",
        "C",
        "x * 2",
        "x * 3",
    ),
    "a value of a dataclass": (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass C:\n    by: int\nWANTED = C(by=2)\n",
        "",
        "WANTED",
        "by=2",
        "by=3",
    ),
    "a date": ("from datetime import date\nSINCE = date(2020, 1, 2)\n", "", "SINCE", "1, 2", "1, 3"),
    "a pattern": ("import re\nFORM = re.compile('a+')\n", "", "FORM", "a+", "b+"),
    "a function of another module": (
        "import helpers\n",
        "def f(x):\n    return x * 2\n",
        "helpers.f",
        "x * 2",
        "x * 3",
    ),
    "a function from another module": (
        "from helpers import f\n",
        "def f(x):\n    return x * 2\n",
        "f",
        "x * 2",
        "x * 3",
    ),
    "a function from another module under another name": (
        "from helpers import f as g\n",
        "def f(x):\n    return x * 2\n",
        "g",
        "x * 2",
        "x * 3",
    ),
    "a constant of another module": ("import helpers as h\n", "BY = 2\n", "h.BY", "BY = 2", "BY = 3"),
    "a helper of a helper in another module": (
        "from helpers import f\n",
        "BY = 2\ndef f(x):\n    return x * BY\n",
        "f",
        "BY = 2",
        "BY = 3",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_function_uses_counts_wherever_it_stands(version: Versions, what: str) -> None:
    above, helpers, used, before, after = CHANGES[what]
    text = f"{HEAD}{above}\n@asset('gold.told', inputs={{'x': 'silver.x'}})\ndef told(x):\n    return {used}, x\n"
    assert before in text + helpers
    changed = text.replace(before, after), helpers.replace(before, after)
    assert version(text, helpers=helpers) == version(text, helpers=helpers)
    assert version(changed[0], helpers=changed[1]) != version(text, helpers=helpers)


@pytest.mark.parametrize("inside", ["", "'''A package.'''\n"])
def test_a_module_of_a_package_is_followed(version: Versions, inside: str) -> None:
    text = f"{HEAD}import kit.tools\n@asset('gold.told')\ndef told():\n    return kit.tools.f(1)\n"
    package = {"kit.__init__": inside} if inside else {}

    def of(by: int) -> str:
        return version(text, **package, **{"kit.tools": f"def f(x):\n    return x * {by}\n"})

    assert of(2) == of(2)
    assert of(2) != of(3)


def test_what_python_and_packages_bring_does_not_count(version: Versions) -> None:
    text = f"{HEAD}import json, pyarrow\nfrom functools import reduce\n@asset('gold.told')\ndef told():\n"
    assert version(text + "    return json.dumps(reduce(max, [1]))\n") != version(
        text + "    return pyarrow.nulls(1)\n"
    )


def in_a_process_of_its_own(folder: Path, python: str = sys.executable, seed: str = "0", path: str = "") -> str:
    """The code version of `told` in the folder's module `definitions`."""
    script = "from assets.code import code_version; from definitions import told; print(code_version(told))"
    paths = os.pathsep.join(filter(None, (path, str(Path.cwd()), *site.getsitepackages())))
    environment = {"PYTHONPATH": paths, "PYTHONHASHSEED": seed}
    command = [python, "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_the_order_of_a_set_differs_between_processes_and_does_not_count(tmp_path: Path) -> None:
    constants = "NAMES = {'a', 'b', 'c'}\nNESTED = {'x': {'a', 'b', 'c'}, 'y': [{'a', 'b', 'c'}]}\n"
    text = f"{HEAD}{constants}@asset('gold.told')\ndef told():\n    return NAMES, NESTED\n"
    (tmp_path / "definitions.py").write_text(text)
    assert len({in_a_process_of_its_own(tmp_path, seed=seed) for seed in "123"}) == 1


def test_the_folder_that_the_project_lies_in_does_not_count(version: Versions) -> None:
    text = f"{HEAD}@asset('gold.told')\ndef told():\n    return __file__, __name__\n"
    assert version(text) == version(text)


def test_a_project_that_is_installed_has_the_version_it_has_in_its_folder(tmp_path: Path, version: Versions) -> None:
    from venv import EnvBuilder

    EnvBuilder(symlinks=True).create(tmp_path / "venv")
    installed = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    told = f"{HEAD}from kit.tools import f\n@asset('gold.told')\ndef told():\n    return f(1)\n"
    (installed / "kit").mkdir()
    (installed / "kit" / "line.py").write_text(told)
    (tmp_path / "definitions.py").write_text("from kit.line import told\n")
    found = []
    for by in (2, 3):
        tools = f"def f(x):\n    return x * {by}\n"
        (installed / "kit" / "tools.py").write_text(tools)
        os.utime(installed / "kit" / "tools.py", (by, by))
        here = version("from kit.line import told\n", **{"kit.line": told, "kit.tools": tools})
        there = in_a_process_of_its_own(tmp_path, str(tmp_path / "venv" / "bin" / "python"), path=str(installed))
        assert there.strip() == here
        found.append(here)
    assert found[0] != found[1]


def test_which_parameter_reads_which_input_counts(version: Versions) -> None:
    text = HEAD + "@asset('gold.told', inputs={'a': 'silver.x', 'b': 'silver.y'})\ndef told(a, b):\n    return a\n"
    swapped = text.replace("'silver.x', 'b': 'silver.y'", "'silver.y', 'b': 'silver.x'")
    assert version(swapped) != version(text)


def test_naming_an_input_by_its_parameter_is_the_same_as_naming_it_in_full(version: Versions) -> None:
    text = HEAD + "@asset('gold.told', inputs={'x': 'silver.x'})\ndef told(x):\n    return x\n"
    assert version(text.replace(", inputs={'x': 'silver.x'}", "")) == version(text)


def test_an_asset_that_calls_another_assets_function_follows_it(version: Versions) -> None:
    text = (
        f"{HEAD}@asset('silver.x')\ndef x():\n    return 2\n"
        "@asset('gold.told')\ndef told():\n    return x.function() + x()\n"
    )
    assert version(text) != version(text.replace("return 2", "return 3"))


def test_two_functions_of_the_same_text_with_different_closures_are_different() -> None:
    def numbers(*ids: int) -> Made:
        @asset("gold.told")
        def told() -> object:
            return ids

        return told

    assert code_version(numbers(1, 2)) == code_version(numbers(1, 2))
    assert code_version(numbers(1, 2)) != code_version(numbers(1, 3))


def test_the_authors_own_version_stands_whatever_changes() -> None:
    @asset("gold.told", code="2", checks=[rows("id > 0")])
    def told() -> int:
        return 1

    @model("models.told", code="7")
    def trained() -> int:
        return 1

    assert code_version(told) == "2"
    assert code_version(trained) == "7"


def test_a_function_without_readable_source_asks_for_a_version_by_hand() -> None:
    scope: dict[str, object] = {}
    exec("def told():\n    return 1", scope)
    with pytest.raises(BadOption, match="code='1'"):
        code_version(asset("gold.told")(scope["told"]))  # type: ignore[arg-type]
    assert code_version(asset("gold.told", code="1")(scope["told"])) == "1"  # type: ignore[arg-type]


def test_the_shipped_example_has_a_version_for_each_and_they_differ() -> None:
    from assets.asset import External
    from assets.catalog import load

    graph = load(["assets.definitions"])
    found = [code_version(made) for made in graph.assets.values() if not isinstance(made, External)]
    assert len(set(found)) == len(found) == 5


def test_stale_when_a_frame_of_the_module_changes_that_only_sql_names(version: Versions) -> None:
    text = HEAD + (
        "import duckdb\nimport pyarrow as pa\n"
        "RATES = pa.table({'rate': [1]})\n"
        "@asset('gold.told', engine='duckdb')\n"
        "def told():\n    return duckdb.sql('select * from RATES')\n"
    )
    assert version(text) == version(text + "# a comment\n")
    assert version(text) != version(text.replace("[1]", "[2]"))


def test_stale_when_a_docstring_changes_that_is_read(version: Versions) -> None:
    text = HEAD + (
        "def query():\n    'select 1'\n@asset('gold.told', engine='duckdb')\ndef told():\n    return query.__doc__\n"
    )
    assert version(text) == version(text + "# a comment\n")
    assert version(text) != version(text.replace("select 1", "select 2"))


@pytest.mark.parametrize(("old", "new"), [("LIMIT = given", "LIMIT = given + 1"), ("choose(1)", "choose(2)")])
def test_stale_when_a_function_that_changes_a_global_does_or_its_call(version: Versions, old: str, new: str) -> None:
    text = HEAD + (
        "LIMIT = 0\n"
        "def choose(given):\n    global LIMIT\n    LIMIT = given\n"
        "choose(1)\n"
        "@asset('gold.told', engine='duckdb')\n"
        "def told():\n    return LIMIT\n"
    )
    assert version(text) == version(text + "# a comment\n")
    assert version(text) != version(text.replace(old, new))
