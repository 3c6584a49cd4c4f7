"""The code version over whole projects: before and after an edit it is the same, different, or asked for by hand."""

import importlib
import linecache
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assets import asset
from assets.asset import Made, TableAsset
from assets.code import CodeVersion, told_version
from assets.errors import BadOption

LINE = "from assets import asset, rows\n"
TOLD = "@asset('gold.told')\ndef told():\n    return "

Files = dict[str, str]
Versions = Callable[[Files], CodeVersion]


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Versions]:
    """The code version of the asset `told` of `flowers/line.py` in a project that is written and imported anew."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] in {"flowers", "common"}]:
            del sys.modules[name]

    def written(files: Files) -> CodeVersion:
        forget()
        folder = tmp_path / f"v{len(list(tmp_path.iterdir()))}"
        for name, content in {"flowers/__init__": "", **files}.items():
            path = folder / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        with monkeypatch.context() as patched:
            patched.syspath_prepend(folder)
            importlib.invalidate_caches()
            found: Made = importlib.import_module("flowers.line").told
            return told_version(found)

    yield written
    forget()


def edited(files: Files, before: str, after: str) -> Files:
    assert any(before in content for content in files.values())
    return {name: content.replace(before, after) for name, content in files.items()}


def a(line: str, **others: str) -> Files:
    """A project of a line of assets and of other modules of the package."""
    return {"flowers/line": LINE + line, **{f"flowers/{name}": content for name, content in others.items()}}


F = "def f(x):\n    return x * 2\n"
G = "def g(x):\n    return x + 1\n"
TWO_AWAY = a(
    f"from flowers.mid import mid\n{TOLD}mid(1)\n", mid="from .low import f\ndef mid(x):\n    return f(x)\n", low=F
)
KIND = "class C:\n    by = 2\n    def m(self, x):\n        return x * 2\n"

PLACES = "from pathlib import Path\nHERE = Path(__file__).parent\nDATA = str(HERE / 'a')\n"

DIFFERENT: dict[str, tuple[Files, str, str]] = {
    "a helper two modules away": (TWO_AWAY, "x * 2", "x * 3"),
    "a helper that a package passes on": (
        {**a(f"from flowers import f\n{TOLD}f(1)\n", low=F), "flowers/__init__": "from .low import f\n"},
        "x * 2",
        "x * 3",
    ),
    "a helper that a package passes on with a star": (
        {**a(f"from flowers import f\n{TOLD}f(1)\n", low=F), "flowers/__init__": "from .low import *\n"},
        "x * 2",
        "x * 3",
    ),
    "a constant that a star brings": (a(f"from .low import *\n{TOLD}BY\n", low="BY = 2\n"), "BY = 2", "BY = 3"),
    "a helper under an alias of its module": (a(f"import flowers.low as l\n{TOLD}l.f(1)\n", low=F), "x * 2", "x * 3"),
    "which helper an import names": (a(f"from .low import f as h\n{TOLD}h(1)\n", low=F + G), "import f", "import g"),
    "which of Python's functions an import names": (
        a(f"from math import floor as h\n{TOLD}h(1.5)\n"),
        "import floor",
        "import ceil",
    ),
    "which of Python's functions a name stands for": (a(f"import math\nh = math.floor\n{TOLD}h(1)\n"), "floor", "ceil"),
    "a package under the same alias": (a(f"import json as j\n{TOLD}j.dumps(1)\n"), "import json", "import pickle"),
    "an import inside a function": (
        a(f"{TOLD}h()\ndef h():\n    from .low import f\n    return f\n", low=F),
        "* 2",
        "* 3",
    ),
    "an import inside the asset": (
        a("@asset('gold.told')\ndef told():\n    import flowers.low as l\n    return l.f(1)\n", low=F),
        "* 2",
        "* 3",
    ),
    "an import of a whole package inside": (
        a("@asset('gold.told')\ndef told():\n    import flowers.low\n    return flowers.low.f(1)\n", low=F),
        "* 2",
        "* 3",
    ),
    "an import of a module inside": (
        a("@asset('gold.told')\ndef told():\n    from flowers import low\n    return low.f(1)\n", low=F),
        "* 2",
        "* 3",
    ),
    "an import inside, used by an inner function": (
        a(
            "@asset('gold.told')\ndef told():\n    from .low import f\n    def i():\n        return f(1)\n    return i\n",
            low=F,
        ),
        "* 2",
        "* 3",
    ),
    "an import that may fail, inside": (
        a(
            "@asset('gold.told')\ndef told():\n    try:\n        from .low import f\n    except ImportError:\n"
            "        f = None\n    return f\n",
            low=F,
        ),
        "* 2",
        "* 3",
    ),
    "an import by the platform": (
        a(f"try:\n    import nothing as n\nexcept ImportError:\n    from . import low as n\n{TOLD}n.f(1)\n", low=F),
        "* 2",
        "* 3",
    ),
    "a name asked for by text": (a(f"from . import low\n{TOLD}getattr(low, 'f')(1)\n", low=F), "* 2", "* 3"),
    "another top-level package": (
        {**a(f"from common.low import f\n{TOLD}f(1)\n"), "common/low": F},
        "* 2",
        "* 3",
    ),
    "mutual recursion": (
        a(f"def e(x):\n    return o(x - 1)\ndef o(x):\n    return e(x - 2)\n{TOLD}e(9)\n"),
        "x - 2",
        "x - 3",
    ),
    "which of two that call each other is called": (
        a(f"def e(x):\n    return o(x)\ndef o(x):\n    return e(x)\n{TOLD}e(9)\n"),
        "return e(9)",
        "return o(9)",
    ),
    "two imports that changed places": (
        a(f"from .low import f as p, g as q\n{TOLD}p(q(1))\n", low=F + G),
        "f as p, g as q",
        "g as p, f as q",
    ),
    "an argument of a decorator": (
        a(f"from functools import lru_cache\n@lru_cache(maxsize=2)\n{F}{TOLD}f(1)\n"),
        "maxsize=2",
        "maxsize=3",
    ),
    "a constant in a decorator of others": (
        a(f"import functools\nN = 2\n@functools.lru_cache(N)\n{F}{TOLD}f(1)\n"),
        "N = 2",
        "N = 3",
    ),
    "a helper wrapped by hand": (
        a(f"import functools\n{F}h = functools.lru_cache(2)(f)\n{TOLD}h(1)\n"),
        "lru_cache(2)",
        "lru_cache(3)",
    ),
    "what a helper wrapped by hand does": (
        a(f"import functools\n{F}h = functools.cache(f)\n{TOLD}h(1)\n"),
        "* 2",
        "* 3",
    ),
    "a context manager": (
        a(f"from contextlib import contextmanager\n@contextmanager\ndef f():\n    yield 2\n{TOLD}f()\n"),
        "yield 2",
        "yield 3",
    ),
    "a function for one type": (
        a(
            "from functools import singledispatch\n@singledispatch\ndef f(x):\n    return 1\n"
            f"@f.register\ndef _(x: int):\n    return 2\n{TOLD}f(1)\n"
        ),
        "return 2",
        "return 3",
    ),
    "a function for one type in another module": (
        a(
            f"from .low import f\nfrom . import more\n{TOLD}f(1)\n",
            low="from functools import singledispatch\n@singledispatch\ndef f(x):\n    return 1\n",
            more="from .low import f\n@f.register(int)\ndef g(x):\n    return 2\n",
        ),
        "return 2",
        "return 3",
    ),
    "a method for one type": (
        a(
            "from functools import singledispatchmethod\nclass C:\n    @singledispatchmethod\n    def m(self, x):\n"
            f"        return 1\n    @m.register\n    def _(self, x: int):\n        return 2\n{TOLD}C().m(1)\n"
        ),
        "return 2",
        "return 3",
    ),
    "a decorator that registers": (
        a(
            f"from .low import RULES\nfrom . import more\n{TOLD}[r(1) for r in RULES]\n",
            low="RULES = []\ndef rule(f):\n    RULES.append(f)\n    return f\n",
            more="from .low import rule\n@rule\ndef g(x):\n    return 2\n",
        ),
        "return 2",
        "return 3",
    ),
    "a decorator's decorator": (
        a(
            "import functools\ndef by(n):\n    def more(f):\n        @functools.wraps(f)\n        def inner(x):\n"
            f"            return f(x) * n\n        return inner\n    return more\n@by(2)\ndef h(x):\n    return x\n{TOLD}h(1)\n"
        ),
        "by(2)",
        "by(3)",
    ),
    "a decorator of the asset": (
        a(
            "import functools\ndef more(f):\n    @functools.wraps(f)\n    def inner():\n        return f() + 2\n"
            "    return inner\n@asset('gold.told')\n@more\ndef told():\n    return 1\n"
        ),
        "+ 2",
        "+ 3",
    ),
    "a decorator that is called like ours": (
        a(
            "class kit:\n    @staticmethod\n    def model(n):\n        return lambda f: lambda x: f(x) * n\n"
            f"@kit.model(2)\ndef h(x):\n    return x\n{TOLD}h(1)\n"
        ),
        "model(2)",
        "model(3)",
    ),
    "a decorator that is an instance": (
        a(
            "class By:\n    def __init__(self, f):\n        self.f = f\n    def __call__(self, x):\n"
            f"        return self.f(x) * 2\n@By\ndef h(x):\n    return x\n{TOLD}h(1)\n"
        ),
        "* 2",
        "* 3",
    ),
    "what a decorator that is an instance decorates": (
        a(
            "class By:\n    def __init__(self, f):\n        self.f = f\n    def __call__(self, x):\n"
            f"        return self.f(x)\n@By\ndef h(x):\n    return x * 2\n{TOLD}h(1)\n"
        ),
        "* 2",
        "* 3",
    ),
    "a helper that a comprehension calls by its variable's name": (
        a(f"def x():\n    return [2]\n{TOLD}[x for x in x()]\n"),
        "[2]",
        "[3]",
    ),
    "what a lambda in an argument uses": (a(f"BY = 2\n{TOLD}list(map(lambda x: x * BY, [1]))\n"), "BY = 2", "BY = 3"),
    "what an inner function uses": (
        a("BY = 2\n@asset('gold.told')\ndef told():\n    def inner(x=1):\n        return x * BY\n    return inner()\n"),
        "BY = 2",
        "BY = 3",
    ),
    "a default of an inner function": (
        a("BY = 2\n@asset('gold.told')\ndef told():\n    def inner(x=BY):\n        return x\n    return inner()\n"),
        "BY = 2",
        "BY = 3",
    ),
    "a default that a loop gives": (
        a(
            "for n in (1, 2):\n    def h(x=n):\n        return x\n    if n == 1:\n        first = h\n"
            + TOLD
            + "first()\n"
        ),
        "n == 1",
        "n == 2",
    ),
    "a schema of a package": (
        a(f"import pyarrow as pa\nS = pa.schema([('a', pa.int64())])\n{TOLD}S\n"),
        "int64",
        "int32",
    ),
    "what a schema of a package is made of": (
        a(f"import pyarrow as pa\nN = ('a',)\nS = pa.schema([(n, pa.int64()) for n in N])\n{TOLD}S\n"),
        "('a',)",
        "('b',)",
    ),
    "a schema of a package in another module": (
        a(f"from .low import S\n{TOLD}S\n", low="import pyarrow as pa\nS = pa.schema([('a', pa.int64())])\n"),
        "int64",
        "int32",
    ),
    "a schema of a package that is changed later": (
        a(f"import pyarrow as pa\nS = pa.schema([])\nS = S.append(pa.field('a', pa.int64()))\n{TOLD}S\n"),
        "int64",
        "int32",
    ),
    "an instance of an own class": (
        a(f"class C:\n    def __init__(self, by):\n        self.by = by\nc = C(2)\n{TOLD}c.by\n"),
        "C(2)",
        "C(3)",
    ),
    "a method of an own class, by an instance": (a(f"{KIND}c = C()\n{TOLD}c.m(1)\n"), "x * 2", "x * 3"),
    "a method that is bound": (a(f"{KIND}m = C().m\n{TOLD}m(1)\n"), "x * 2", "x * 3"),
    "a class that an instance holds": (a(f"{KIND}class D:\n    kind = C\n{TOLD}D.kind().m(1)\n"), "x * 2", "x * 3"),
    "a base in another module": (
        a(f"from .low import C\nclass D(C):\n    pass\n{TOLD}D().m(1)\n", low=KIND),
        "x * 2",
        "x * 3",
    ),
    "a base that a call makes": (
        a(f"def made(n):\n    class B:\n        by = n\n    return B\nclass D(made(2)):\n    pass\n{TOLD}D.by\n"),
        "made(2)",
        "made(3)",
    ),
    "a metaclass": (
        a("class M(type):\n    def n(cls):\n        return 2\nclass C(metaclass=M):\n    pass\n" + TOLD + "C.n()\n"),
        "return 2",
        "return 3",
    ),
    "a subclass that registers itself": (
        a(
            "class B:\n    known = {}\n    def __init_subclass__(cls):\n        B.known[cls.__name__] = cls\n"
            f"class D(B):\n    def m(self):\n        return 2\n{TOLD}B.known['D']().m()\n"
        ),
        "return 2",
        "return 3",
    ),
    "a class method": (
        a(f"class C:\n    @classmethod\n    def m(cls):\n        return 2\n{TOLD}C.m()\n"),
        "return 2",
        "return 3",
    ),
    "a default of a dataclass": (
        a(f"from dataclasses import dataclass\n@dataclass\nclass C:\n    by: int = 2\n{TOLD}C()\n"),
        "= 2",
        "= 3",
    ),
    "an option of a dataclass": (
        a(f"from dataclasses import dataclass\n@dataclass(order=True)\nclass C:\n    by: int = 2\n{TOLD}C()\n"),
        "order=True",
        "eq=False",
    ),
    "a factory of a dataclass": (
        a(
            "from dataclasses import dataclass, field\ndef f():\n    return 2\n@dataclass\nclass C:\n"
            f"    by: int = field(default_factory=f)\n{TOLD}C()\n"
        ),
        "return 2",
        "return 3",
    ),
    "a field of a typed named tuple": (
        a(f"from typing import NamedTuple\nclass C(NamedTuple):\n    by: int = 2\n{TOLD}C()\n"),
        "= 2",
        "= 3",
    ),
    "a value of a named tuple": (
        a(f"from typing import NamedTuple\nclass C(NamedTuple):\n    by: int\nc = C(2)\n{TOLD}c\n"),
        "C(2)",
        "C(3)",
    ),
    "the value of an enum's member": (
        a(f"from enum import Enum\nclass C(Enum):\n    A = 2\n{TOLD}C.A\n"),
        "A = 2",
        "A = 3",
    ),
    "the value of an enum's member, held by a name": (
        a(f"from enum import Enum\nclass C(Enum):\n    A = 2\nW = C.A\n{TOLD}W\n"),
        "A = 2",
        "A = 3",
    ),
    "a set of an enum's members": (
        a(f"from enum import Enum\nclass C(Enum):\n    A = 2\n    B = 3\nW = {{C.A}}\n{TOLD}W\n"),
        "{C.A}",
        "{C.B}",
    ),
    "a key of a typed dictionary": (
        a(f"from typing import TypedDict\nclass C(TypedDict):\n    by: int\n{TOLD}C(by=2)\n"),
        "by: int",
        "by: str",
    ),
    "a class of an annotation": (
        a("class Schema:\n    by = 2\n@asset('gold.told')\ndef told() -> 'list[Schema]':\n    return 1\n"),
        "by = 2",
        "by = 3",
    ),
    "a helper that was replaced": (
        a(f"from . import low\nlow.f = lambda x: x * 5\n{TOLD}low.f(1)\n", low=F),
        "x * 5",
        "x * 6",
    ),
    "that a helper is replaced": (
        a(f"from . import low\nlow.f = abs\n{TOLD}low.f(1)\n", low=F),
        "low.f = abs\n",
        "",
    ),
    "that a method is replaced": (
        a(f"from .low import C\ndef m(self, x):\n    return x * 5\nC.m = m\n{TOLD}C().m(1)\n", low=KIND),
        "* 5",
        "* 6",
    ),
    "that a value of a class is replaced": (
        a(f"from .low import C\nC.by = 5\n{TOLD}C.by\n", low=KIND),
        "C.by = 5",
        "C.by = 6",
    ),
    "a constant that is changed after it was made": (
        a(f"LIMITS = {{}}\nLIMITS['a'] = 2\n{TOLD}LIMITS\n"),
        "= 2",
        "= 3",
    ),
    "a partial in a container": (
        a(f"from functools import partial\n{F}RULES = [partial(f, x=2)]\n{TOLD}RULES\n"),
        "x=2",
        "x=3",
    ),
    "what others have wrapped in a loop": (
        a(
            f"import functools\n{F}RULES = {{}}\nfor n in (1, 2):\n    RULES[n] = functools.lru_cache(n)\n{TOLD}RULES[1](f)\n"
        ),
        "(1, 2)",
        "(1, 3)",
    ),
    "a path below the folder of the project": (a(f"{PLACES}{TOLD}DATA\n"), "/ 'a'", "/ 'b'"),
    "a path of the author": (a(f"from pathlib import Path\nP = Path('/data/a')\n{TOLD}P\n"), "/data/a", "/data/b"),
    "what a function keeps": (a(f"{F}f.by = 2\n{TOLD}f.by\n"), "f.by = 2", "f.by = 3"),
    "what another module gives a function": (
        a(f"from . import low\nlow.f.by = 2\n{TOLD}low.f.by\n", low=F),
        "f.by = 2",
        "f.by = 3",
    ),
    "what another module gives a namespace": (
        a(
            f"from .low import c\nc.by = 2\n{TOLD}c.by\n",
            low="from types import SimpleNamespace\nc = SimpleNamespace(by=1)\n",
        ),
        "c.by = 2",
        "c.by = 3",
    ),
    "what a module gives to all": (
        a(f"import builtins\n{F}builtins.flowers_f = f\n{TOLD}flowers_f(1)\n"),
        "* 2",
        "* 3",
    ),
    "a function in a check": (
        a(
            "from assets import custom\ndef ok(frame):\n    return len(frame) > 2\n"
            "@asset('gold.told', checks=[custom('ok', ok)])\ndef told():\n    return 1\n"
        ),
        "> 2",
        "> 3",
    ),
    "a schema of a package in a check": (
        a(
            "import pyarrow as pa\nfrom assets import matches\nS = pa.schema([('a', pa.int64())])\n"
            "@asset('gold.told', checks=[matches(S)])\ndef told():\n    return 1\n"
        ),
        "int64",
        "int32",
    ),
    "an attribute of an inner class": (
        a(f"class C:\n    class D:\n        def m(self):\n            return 2\n{TOLD}C.D().m()\n"),
        "return 2",
        "return 3",
    ),
    "a slot": (
        a(f"class C:\n    __slots__ = ('by',)\nc = C()\nc.by = 2\n{TOLD}c.by\n"),
        "c.by = 2",
        "c.by = 3",
    ),
    "a value that holds itself": (a(f"W = [2]\nW.append(W)\n{TOLD}W\n"), "[2]", "[3]"),
    "an own kind of number": (a(f"class N(int):\n    pass\nn = N(2)\n{TOLD}n\n"), "N(2)", "N(3)"),
    "a logger's name": (
        a(f"import logging\nlog = logging.getLogger('a')\ndef h():\n    log.info('x')\n{TOLD}h()\n"),
        "getLogger('a')",
        "getLogger('b')",
    ),
    "arguments with stars": (
        a(f"ARGS = (1, 2)\ndef f(*args, **named):\n    return args\n{TOLD}f(*ARGS, **{{'a': 1}})\n"),
        "(1, 2)",
        "(2, 1)",
    ),
    "the order of a dictionary": (a(f"W = {{'a': 1, 'b': 2}}\n{TOLD}list(W)\n"), "'a': 1, 'b': 2", "'b': 2, 'a': 1"),
    "an f-string": (a("@asset('gold.told')\ndef told():\n    n = 1\n    return f'{n:>{2}} a'\n"), "{2}} a", "{3}} a"),
    "a generator": (a(f"BY = 2\n{TOLD}sum(x * BY for x in [1])\n"), "BY = 2", "BY = 3"),
    "a name bound by :=": (a(f"BY = 2\n{TOLD}[y for x in [1] if (y := x * BY)]\n"), "BY = 2", "BY = 3"),
    "what a match uses": (
        a(f"class C:\n    A = 2\ndef h(x):\n    match x:\n        case C.A:\n            return 1\n{TOLD}h(1)\n"),
        "A = 2",
        "A = 3",
    ),
    "a global that a function sets": (
        a(f"N = 2\ndef h():\n    global N\n    N += 1\n    return N\n{TOLD}h()\n"),
        "N = 2",
        "N = 3",
    ),
    "how a table is written": (
        a("@asset('gold.told', write='append')\ndef told():\n    return 1\n"),
        "append",
        "replace",
    ),
    "an asset that another one calls": (
        a(f"@asset('gold.other')\ndef other():\n    return 2\n{TOLD}other()\n"),
        "return 2",
        "return 3",
    ),
    "a module that makes its names when asked": (
        a(f"from . import low\n{TOLD}low.X\n", low="def __getattr__(name):\n    return 2\n"),
        "return 2",
        "return 3",
    ),
    "a private value that a class is given afterwards": (a(f"{KIND}C._x = 2\n{TOLD}C._x\n"), "_x = 2", "_x = 3"),
    "a private value that another module gives a class": (
        a(f"from . import low\nlow.C._x = 2\n{TOLD}low.C._x\n", low=KIND),
        "_x = 2",
        "_x = 3",
    ),
    "a private value that a function gives a class": (
        a(f"{KIND}def give(n):\n    setattr(C, '_' + 'x', n)\ngive(2)\n{TOLD}C._x\n"),
        "give(2)",
        "give(3)",
    ),
    "a schema of a package that a class is given afterwards": (
        a(f"import pyarrow as pa\n{KIND}C.schema = pa.schema([('a', pa.int64())])\n{TOLD}C.schema\n"),
        "int64",
        "int32",
    ),
    "a schema of a package that another module puts in place of a class's": (
        a(
            f"import pyarrow as pa\nfrom . import low\nlow.C.s = pa.schema([('a', pa.int64())])\n{TOLD}low.C.s\n",
            low="import pyarrow as pa\nclass C:\n    s = pa.schema([])\n",
        ),
        "int64",
        "int32",
    ),
    "a private member of an enum": (
        a(f"from enum import Enum\nclass C(Enum):\n    A = 1\nC._by = 2\n{TOLD}C._by\n"),
        "_by = 2",
        "_by = 3",
    ),
    "a function put into a package of others": (
        a(f"import json\n{F}json.flowers_f = f\n{TOLD}json.flowers_f(1)\n"),
        "* 2",
        "* 3",
    ),
    "a function put into a package of others by another module": (
        a(
            f"import json as j\nfrom . import low\n{TOLD}j.flowers_f(1)\n",
            low=f"import json\n{F}json.flowers_f = f\n",
        ),
        "* 2",
        "* 3",
    ),
    "a function put into a package that the asset imports": (
        a(
            f"import json\n{F}json.flowers_f = f\n@asset('gold.told')\n"
            "def told():\n    import json as j\n    return j.flowers_f\n"
        ),
        "* 2",
        "* 3",
    ),
    "a method put into a class of others": (
        a(f"from string import Template\n{F}Template.flowers_f = staticmethod(f)\n{TOLD}Template.flowers_f(1)\n"),
        "* 2",
        "* 3",
    ),
    "a partial of a function put into a package of others": (
        a(f"import json\nfrom functools import partial\n{F}json.flowers_f = partial(f, x=2)\n{TOLD}json.flowers_f()\n"),
        "x=2",
        "x=3",
    ),
    "a docstring that is read": (
        a(f"def q():\n    'select 2'\n{TOLD}q.__doc__.strip()\n"),
        "select 2",
        "select 3",
    ),
    "a docstring of a method that is read by text": (
        a(f"class C:\n    def q(self):\n        'select 2'\n{TOLD}getattr(C.q, '__doc__', '')\n"),
        "select 2",
        "select 3",
    ),
    "a docstring of a module that is read": (
        a(f"{TOLD}__doc__\n") | {"flowers/line": "'2'\n" + LINE + f"{TOLD}__doc__\n"},
        "'2'",
        "'3'",
    ),
}

SAME: dict[str, tuple[Files, str, str]] = {
    "a docstring two modules away": (TWO_AWAY, "    return x * 2", "    '''Twice.'''\n    return x * 2"),
    "a comment two modules away": (TWO_AWAY, "    return x * 2", "    # twice\n    return x * 2"),
    "a formatting two modules away": (TWO_AWAY, "return x * 2", "return (\n        x\n        * 2\n    )"),
    "lines above": (TWO_AWAY, "def f(x)", "import json\n\n\nUNUSED = 1\n\n\ndef f(x)"),
    "a helper that moved to another module": (
        a(f"from flowers.low import f\n{TOLD}f(1)\n", low=F, new=F),
        "flowers.low",
        "flowers.new",
    ),
    "a helper that is passed on": (
        a(f"from flowers.low import f\n{TOLD}f(1)\n", low=F, new="from .low import f\n"),
        "flowers.low",
        "flowers.new",
    ),
    "quotes": (a(f"{TOLD}'a' 'b'\n"), "'a' 'b'", '"ab"'),
    "a prefix of a text": (a(f"{TOLD}'ab'\n"), "'ab'", "u'ab'"),
    "the writing of a number": (a(f"{TOLD}1000\n"), "1000", "1_000"),
    "a docstring of a class": (a(f"{KIND}{TOLD}C().m(1)\n"), "    by = 2", "    '''A kind.'''\n    by = 2"),
    "an asset of the same name as a parameter": (
        a(
            "@asset('gold.other')\ndef other():\n    return 2\n"
            "@asset('gold.told', inputs={'other': 'gold.other'})\ndef told(other):\n    return other\n"
        ),
        "return 2",
        "return 3",
    ),
    "a function of the same name as a method": (a(f"def upper():\n    return 2\n{TOLD}'a'.upper()\n"), "2", "3"),
    "a function of the same name as a local": (
        a("def n():\n    return 2\n@asset('gold.told')\ndef told():\n    n = 1\n    return n\n"),
        "return 2",
        "return 3",
    ),
    "another name of the module that is used": (a(f"from . import low\n{TOLD}low.f(1)\n", low=F + G), "+ 1", "+ 2"),
    "what only a script does": (
        a(f"import pyarrow as pa\nS = pa.schema([])\n{TOLD}S\nif __name__ == '__main__':\n    print(S, 1)\n"),
        "(S, 1)",
        "(S, 2)",
    ),
    "who owns it": (a("@asset('gold.told', owner='ann')\ndef told():\n    return 1\n"), "ann", "bob"),
    "the folder of the project, in its constants": (
        a(
            "import os\nfrom pathlib import Path\nHERE = Path(__file__).parent\nROOT = os.path.dirname(__file__)\n"
            "DATA = ROOT + '/data'\nALL = {'a': [HERE.parent / 'x']}\ndef h(x=DATA):\n    return x\n"
            f"class C:\n    by = DATA\n{TOLD}(HERE, ROOT, DATA, ALL, h(), C.by)\n"
        ),
        "import os\n",
        "import os  # again\n",
    ),
    "an option by its default": (
        a("@asset('gold.told', write='replace', engine='spark')\ndef told():\n    return 1\n"),
        ", write='replace', engine='spark'",
        "",
    ),
    "what an asset with a version of its own does": (
        a(f"@asset('gold.other', code='1')\ndef other():\n    return 2\n{TOLD}other()\n"),
        "return 2",
        "return 3",
    ),
    "a constant written in another way": (a(f"N = 4\n{TOLD}N\n"), "N = 4", "N = 2 + 2"),
    "an import for types only": (
        a(f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .low import f\n{TOLD}1\n", low=F),
        "* 2",
        "* 3",
    ),
}

BY_HAND: dict[str, Files] = {
    "a docstring by inspect": a(f"import inspect\ndef q():\n    'select 1'\n{TOLD}inspect.getdoc(q)\n"),
    "a docstring by inspect under another name": a(
        f"from inspect import getdoc as g\ndef q():\n    'select 1'\n{TOLD}g(q)\n"
    ),
    "the source of a function": a(f"import inspect\ndef q():\n    'select 1'\n{TOLD}inspect.getsource(q)\n"),
    "a docstring of what a loop meets": a(f"def q():\n    'select 1'\n{TOLD}[f.__doc__ for f in (q,)]\n"),
    "a docstring of what a call makes": a(f"class C:\n    'select 1'\n{TOLD}C().__doc__\n"),
    "a docstring by its name's text": a(f"class C:\n    'select 1'\n{TOLD}getattr(C(), '__doc__')\n"),
    "a docstring of what is imported inside": a(
        "@asset('gold.told')\ndef told():\n    from .low import f\n    return f.__doc__\n", low=F
    ),
    "a schema that a call gives a class": a(
        f"import pyarrow as pa\n{KIND}def give(kind, s):\n    setattr(kind, 's' + '', s)\ngive(C, pa.schema([]))\n{TOLD}C.s\n"
    ),
    "a schema that a function gives a class": a(
        f"import pyarrow as pa\n{KIND}def give():\n    C._s = pa.schema([])\ngive()\n{TOLD}C._s\n"
    ),
    "getattr of a module by a computed name": a(f"from . import low\nN = 'f'\n{TOLD}getattr(low, N)(1)\n", low=F),
    "a module that is passed on": a(f"from . import low\n{TOLD}vars(low)['f'](1)\n", low=F),
    "the names of a module": a(f"from . import low\n{TOLD}low.__dict__['f'](1)\n", low=F),
    "a module in a container": a(f"from . import low\nM = [low]\n{TOLD}M[0].f(1)\n", low=F),
    "an import by text": a(f"import importlib\n{TOLD}importlib.import_module('flowers.low').f(1)\n", low=F),
    "an import by text, under another name": a(
        f"from importlib import import_module as im\n{TOLD}im('flowers.low').f(1)\n", low=F
    ),
    "an import by text, imported inside": a(
        "@asset('gold.told')\ndef told():\n    import importlib\n    return importlib.import_module('flowers.low')\n",
        low=F,
    ),
    "__import__": a(f"{TOLD}__import__('flowers.low').low.f(1)\n", low=F),
    "globals": a(f"{F}{TOLD}globals()['f'](1)\n"),
    "the loaded modules": a(f"import sys\n{TOLD}sys.modules['flowers.low'].f(1)\n", low=F),
    "eval": a(f"{F}{TOLD}eval('f(1)')\n"),
    "exec in a helper": a(f"def h():\n    exec('pass')\n{TOLD}h()\n"),
    "eval that a name stands for": a(f"{F}h = eval\n{TOLD}h('f(1)')\n"),
    "a function that a text made": a(f"exec('def f(x):\\n    return x * 2')\n{TOLD}f(1)\n"),
    "a function that a text made elsewhere": a(
        f"s = {{}}\nexec('def f(x):\\n    return 1', s)\nf = s['f']\n{TOLD}f(1)\n"
    ),
    "a method that a text made": a(
        f"s = {{}}\nexec('def m(self):\\n    return 1', s)\nclass C:\n    pass\nC.m = s['m']\n{TOLD}C().m()\n"
    ),
    "a schema that is made by a text": a(f"import pyarrow as pa\nglobals()['S'] = pa.schema([])\n{TOLD}S\n"),
    "a module's names by a function": a(f"{F}{TOLD}f.__globals__['f'](1)\n"),
    "Python's names by text": a(f"{TOLD}__builtins__['eval']('1')\n"),
    "the subclasses of a class": a(f"class B:\n    pass\n{TOLD}B.__subclasses__()\n"),
    "a schema that is closed over": a(
        "import pyarrow as pa\ndef made(schema):\n    @asset('gold.told')\n    def told():\n        return schema\n"
        "    return told\ntold = made(pa.schema([]))\n"
    ),
    "a module that cannot be imported": a(
        "@asset('gold.told')\ndef told():\n    from .low import f\n    return f\n", low="import nothing_of_that_name\n"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DIFFERENT)
def test_what_an_asset_uses_counts(version: Versions, what: str) -> None:
    files, before, after = DIFFERENT[what]
    first = version(files)
    changed = version(edited(files, before, after))
    assert changed.version != first.version
    assert changed.parts != first.parts


@pytest.mark.parametrize("what", SAME)
def test_what_changes_no_meaning_does_not_count(version: Versions, what: str) -> None:
    files, before, after = SAME[what]
    assert version(edited(files, before, after)).version == version(files).version


@pytest.mark.slow
@pytest.mark.parametrize("what", BY_HAND)
def test_what_the_text_does_not_tell_asks_for_a_version_by_hand(version: Versions, what: str) -> None:
    with pytest.raises(BadOption, match=r"flowers[\w/]*\.py:\d+.*a version by hand: code='1'"):
        version(BY_HAND[what])


def test_a_file_that_is_changed_after_it_was_loaded_counts_as_what_was_loaded(
    version: Versions, tmp_path: Path
) -> None:
    first = version(TWO_AWAY)
    told = sys.modules["flowers.line"].told
    low = Path(str(sys.modules["flowers.low"].__file__))
    low.write_text(low.read_text().replace("* 2", "* 30"))
    assert told_version(told) == first
    importlib.reload(sys.modules["flowers.low"])
    importlib.reload(sys.modules["flowers.mid"])
    reloaded = importlib.reload(sys.modules["flowers.line"])
    assert told_version(reloaded.told).version not in {"", first.version}


def test_a_file_that_was_changed_before_it_was_looked_at_is_noticed_where_its_lines_moved(version: Versions) -> None:
    version(a(f"{TOLD}1\n", late=F))
    late = importlib.import_module("flowers.late")
    Path(str(late.__file__)).write_text("\n\n" + F)

    def told() -> object:
        return late.f(1)

    with pytest.raises(BadOption, match=r"flowers\.late\.f does not stand in its file, which was changed"):
        told_version(asset("gold.told")(told))


def test_a_compiled_module_of_the_project_asks_for_a_version_by_hand(version: Versions, tmp_path: Path) -> None:
    compiled = importlib.import_module("_json").__file__
    files = a(f"from common import _json\n{TOLD}_json.encode_basestring('x')\n")
    (tmp_path / "common").mkdir()
    shutil.copy(str(compiled), tmp_path / "common" / "_json.so")
    with (
        pytest.MonkeyPatch.context() as patched,
        pytest.raises(
            BadOption, match=r"line\.py:5, _json\.encode_basestring: there is no source of common\._json in Python"
        ),
    ):
        patched.syspath_prepend(tmp_path)
        version(files)


def test_a_chain_of_hundreds_of_calls_is_read(version: Versions) -> None:
    chain = "".join(f".replace('{n}', 'x')" for n in range(400))
    files = a(f"def f(x):\n    return x\n{TOLD}f('a'){chain}\n")
    assert version(files).version != version(edited(files, "return x", "return x * 2")).version


def test_a_chain_of_thousands_of_helpers_is_followed(version: Versions) -> None:
    helpers = "".join(f"def f{n}(x):\n    return f{n + 1}(x)\n" for n in range(1200))
    files = a(f"from .low import f0\n{TOLD}f0(1)\n", low=f"{helpers}def f1200(x):\n    return x * 2\n")
    assert version(files).version != version(edited(files, "x * 2", "x * 3")).version


def test_the_parts_are_named_as_a_person_finds_them(version: Versions) -> None:
    text = (
        "from .low import f, C, BY as by\nimport flowers.mid\n"
        "@asset('gold.told', inputs={'x': 'silver.x'}, checks=[rows('id > 0')], write='append')\n"
        "def told(x):\n    return f(x), C().m(by), flowers.mid.made(2)(x)\n"
    )
    mid = "def made(n):\n    def inner(x):\n        return x * n\n    return inner\n"
    made = version(a(text, low=f"{F}{KIND}BY = 2\n", mid=mid))
    assert set(made.parts) == {
        *("function", "inputs", "checks", "options"),
        *("flowers.low.f", "flowers.low.C", "flowers.low.BY", "flowers.mid.made"),
    }
    assert {len(digits) for digits in made.parts.values()} == {8}


GOLDEN = {
    "line": (
        LINE + "import json as j\nfrom functools import lru_cache, singledispatch\nfrom math import floor\n"
        "from .low import BY, C, Colour, f, first as g\n\n"
        "@singledispatch\ndef by_type(x, *, more: 'C | None' = None):\n    '''Says.'''\n    return floor(x)\n\n"
        "@by_type.register\ndef _(x: str):\n    return f'{x!r:>{BY[\"a\"]}} {{}} \u00e9{x=}' 'b'\n\n"
        "@asset('gold.told', inputs={'x': 'silver.x'}, checks=[rows('id > 0', otherwise='warn')], write='append')\n"
        "def told(x):\n    '''Tells.'''\n    from . import low as l\n"
        "    pairs = {k: v for k, v in BY.items() if (n := v) and k not in l.NAMES}\n"
        "    match x:\n        case [Colour.RED, *rest]:\n            return rest\n        case {'a': 1, **others}:\n"
        "            return others\n    try:\n        return [*map(lambda y: f(y) * n, pairs), g(x), C(2).by, by_type(x)]\n"
        "    except* ValueError as error:\n        raise KeyError(j.dumps(str(error))) from None\n"
    ),
    "low": (
        "import re\nfrom dataclasses import dataclass\nfrom datetime import date, timedelta\nfrom decimal import Decimal\n"
        "from enum import Enum, Flag, auto\nfrom functools import cache, partial\nfrom typing import NamedTuple, TypedDict\n"
        "BY = {'a': 1, 'b': -0.0, 'c': 1e300, 'd': 10**40, 'e': 1j, 'f': b'\\xff', '\u00fc\u0378': '\U0001fae8'}\n"
        "NAMES = frozenset({'a', 'b', ('c', 1)})\nSINCE = (date(2024, 2, 29), timedelta(days=1), Decimal('1.10'))\n"
        "FORM = re.compile('a+', re.I)\n\nclass Colour(Enum):\n    RED = auto()\n\nclass Bits(Flag):\n    A = 1\n    B = 2\n\n"
        "class Pair(NamedTuple):\n    a: int\n    b: str = 'x'\n\nclass Told(TypedDict, total=False):\n    a: int\n\n"
        "@dataclass(frozen=True, slots=True)\nclass C:\n    by: int\n    @property\n    def more(self) -> Told:\n"
        "        return Told(a=self.by)\n\n@cache\ndef f(x, /, *args, pair=Pair(1), **named):\n"
        "    return FORM, SINCE, WANTED, held(x), pair\n\nWANTED = [Colour.RED, Bits.A | Bits.B, C(by=3), ...]\n"
        "held = partial(lambda a, b: a, 1)\n\ndef first(x):\n    async def inner():\n        yield x\n"
        "    return second(x) if x else inner\n\ndef second(x):\n    return first(x - 1)\n"
    ),
}


def test_the_version_is_what_it_was_on_every_python(version: Versions) -> None:
    """A change of these digits makes every table of every lake stale once: it needs a reason and a line in the changelog."""
    made = version(a(GOLDEN["line"], low=GOLDEN["low"]))
    assert made.version == "e3ae9205adc1870d"
    assert made.parts["flowers.low.f"] == "7e1898c9"


def test_a_cell_of_a_notebook_counts_with_what_other_cells_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*cells: str) -> str:
        scope: dict[str, object] = {"__name__": "__main__"}
        for place, text in enumerate(cells):
            name = f"<cell {place} {hash(text)}>"
            monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(keepends=True), name))
            exec(compile(text, name, "exec"), scope)
        told = scope["told"]
        assert isinstance(told, TableAsset)
        return told_version(told).version

    first = f"from math import floor\nBY = 2\n{F}"
    last = f"{LINE}{TOLD}f(floor(BY))\n"
    assert run(first, last) == run(first, "\n\n" + last)
    edits = [("BY = 2", "BY = 3"), ("x * 2", "x * 3"), ("import floor", "import ceil as floor")]
    assert len({run(first, last), *(run(first.replace(*edit), last) for edit in edits)}) == 4


READ = "import json\nTEXT = open({file!r}).read()\n"
FROM_FILES: dict[str, tuple[str, str, str]] = {
    "SQL that begins with a slash": ("Q = TEXT", "/* rows */ select 1", "/* rows */ select 2"),
    "a setting beside a path": ("Q = json.loads(TEXT)", '{"at": 1, "to": "/data/x"}', '{"at": 2, "to": "/data/x"}'),
    "a path that an author chose": ("Q = json.loads(TEXT)['to']", '{"to": "/data/x"}', '{"to": "/data/y"}'),
    "an array": ("import numpy\nQ = numpy.array(json.loads(TEXT))", "[1, 2.5]", "[1, 2.25]"),
    "the shape of an array": ("import numpy\nQ = numpy.array(json.loads(TEXT))", "[[1, 2]]", "[[1], [2]]"),
    "an array of words": ("import numpy\nQ = numpy.array(json.loads(TEXT), object)", '["a", "b"]', '["a", "c"]'),
    "a number of numpy": ("import numpy\nQ = numpy.float64(TEXT)", "1.5", "1.25"),
    "a frame": ("import io, pandas\nQ = pandas.read_csv(io.StringIO(TEXT))", "a,b\n1,x\n", "a,b\n1,y\n"),
    "the columns of a frame": ("import io, pandas\nQ = pandas.read_csv(io.StringIO(TEXT))", "a\n1\n", "b\n1\n"),
    "the times of a frame": (
        "import io, pandas\nQ = pandas.read_csv(io.StringIO(TEXT), parse_dates=['a'])",
        "a\n2020-01-01\n",
        "a\n2020-01-02\n",
    ),
    "the categories of a series": (
        "import pandas\nQ = pandas.Series(['a'], dtype=pandas.CategoricalDtype(json.loads(TEXT)))",
        '["a", "b"]',
        '["a", "c"]',
    ),
    "an Arrow table": ("import pyarrow\nQ = pyarrow.table({'a': json.loads(TEXT)})", "[1]", "[2]"),
}


@pytest.mark.parametrize("words", FROM_FILES)
def test_what_a_constant_was_given_by_a_file_counts(version: Versions, tmp_path: Path, words: str) -> None:
    made, before, after = FROM_FILES[words]
    file = tmp_path / "given"
    files = a(f"{READ.format(file=str(file))}{made}\n{TOLD}Q\n")
    file.write_text(before)
    first = version(files).version
    assert version(files).version == first
    file.write_text(after)
    assert version(files).version != first


def test_beside_the_folder_of_the_project_the_rest_of_a_constant_counts(version: Versions, tmp_path: Path) -> None:
    file = tmp_path / "given"
    files = a(f"{READ.format(file=str(file))}{PLACES}Q = {{'to': DATA, 'in': HERE, 'at': TEXT}}\n{TOLD}Q\n")
    file.write_text("1")
    first = version(files).version
    assert version(files).version == first
    assert version(edited(files, "/ 'a'", "/ 'b'")).version != first
    file.write_text("2")
    assert version(files).version != first
