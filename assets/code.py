"""The code version of a function: the same exactly while its meaning, and that of the project's code it uses, is the same."""

import ast
import dataclasses
import functools
import hashlib
import inspect
import re
import sys
import sysconfig
import textwrap
from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import NamedTuple

from assets.asset import Made, ModelAsset, TableAsset
from assets.errors import BadOption

_CONSTANTS = (str, bytes, int, float, complex, type(None), Decimal, date, time, timedelta, timezone, range)
_FOREIGN = tuple(
    {Path(path).resolve() for name, path in sysconfig.get_paths().items() if name in {"stdlib", "purelib", "platlib"}}
)
_ROOMS = Path(__file__).resolve().parent.parent
_LAKELINE = frozenset({"lakehouse", "observability", "registry", "assets", "dags", "api"})

Named = Iterator[tuple[str, object]]


def code_version(asset: Made) -> str:
    """Sixteen hex digits over an asset's inputs and checks, and the syntax of its function and of all it uses of the project's.

    That is functions, classes and constants, over modules. Comments, docstrings and formatting do not count. A version that
    the author gives stands for all of that.
    """
    if asset.code is not None:
        return asset.code
    digest = hashlib.sha256()
    for parameter, reference in asset.inputs.items():  # by name, for a key and its name alone mean the same asset
        digest.update(f"{parameter}\0{reference.key.split('.')[-1]}\0{reference.alias}\0\0".encode())
    for check in asset.checks if isinstance(asset, TableAsset) else ():
        digest.update(f"{check.name}\0{check.otherwise}\0\0".encode())
    try:
        reached = _Project(home=_top_level(inspect.unwrap(asset.function).__module__)).reached(asset.function)
    except (OSError, SyntaxError) as error:
        raise BadOption(asset.where, f"the source of {asset.key}", str(error), "a version by hand: code='1'") from error
    for path, told in sorted(reached.items()):
        digest.update(f"{path}\0{told}\0\0".encode())
    return digest.hexdigest()[:16]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """The code of an asset's authors: the package that it is in, and whatever else is neither Python's nor installed."""

    home: str

    def reached(self, function: object) -> dict[str, str]:
        """What a function means and uses, by the names that lead there; what is used twice is told once."""
        told: dict[str, str] = {}
        seen: dict[int, tuple[str, object]] = {}
        ahead = [("", self._plain(function))]
        while ahead:
            path, value = ahead.pop()
            if id(value) in seen and not _is_constant(value):
                told[path] = f"as {seen[id(value)][0]}"
                continue
            seen[id(value)] = (path, value)
            told[path] = _told(value)
            ahead += [(f"{path}/{name}", used) for name, used in self._owned(_parts(value))]
        return told

    def _owned(self, parts: Iterable[tuple[str, object]]) -> Named:
        for name, part in parts:
            value = self._plain(part)
            if isinstance(value, _OfModule):
                yield from self._owned_by_module(name, value)
            elif self._owns(value):
                yield name, value

    def _owned_by_module(self, path: str, used: "_OfModule") -> Named:
        module = used.module
        for name in sorted(used.names & vars(module).keys()):
            value = vars(module)[name]
            if isinstance(value, ModuleType):
                if value.__name__ == f"{module.__name__}.{name}":
                    yield from self._owned_by_module(f"{path}.{name}", _OfModule(module=value, names=used.names))
            elif self._owns_file(module.__name__, getattr(module, "__file__", None)):
                yield from self._owned([(f"{path}.{name}", value)])

    def _plain(self, value: object) -> object:
        """What an asset, a cache or a decorator of others stands for."""
        while True:
            if isinstance(value, (TableAsset, ModelAsset)):
                value = value.function
            elif self._owns(value) or (inner := inspect.getattr_static(value, "__wrapped__", None)) is None:
                return value
            else:
                value = inner

    def _owns(self, value: object) -> bool:
        if isinstance(value, FunctionType):
            return self._owns_file(value.__module__, value.__code__.co_filename)
        if isinstance(value, type):
            return self._owns_file(value.__module__, getattr(sys.modules.get(value.__module__), "__file__", None))
        if isinstance(value, (tuple, list, dict, MappingProxyType, functools.partial)):
            return True
        return _is_constant(value) or (_has_fields(value) and self._owns(type(value)))

    def _owns_file(self, module: str | None, file: str | None) -> bool:
        if file is None or not Path(file).is_file():
            return False  # what has no file, such as a method that a dataclass was given, follows from what has one
        path = Path(file).resolve()
        if path.is_relative_to(_ROOMS) and path.relative_to(_ROOMS).parts[0] in _LAKELINE:
            return path.is_relative_to(_ROOMS / "assets" / "definitions")
        return _top_level(module) == self.home or not any(path.is_relative_to(folder) for folder in _FOREIGN)


class _OfModule(NamedTuple):
    """A module that a function names, and all names of the function, some of which are the module's."""

    module: ModuleType
    names: frozenset[str]


def _top_level(module: str | None) -> str:
    return (module or "").partition(".")[0]


def _parts(value: object) -> Named:
    """What a value is made of or uses, by name; a constant tells itself."""
    if _is_constant(value):
        return
    if isinstance(value, FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, type):
        yield from _parts_of_class(value)
    elif isinstance(value, functools.partial):
        yield from (("of", value.func), ("given", value.args), ("named", value.keywords))
    elif isinstance(value, (dict, MappingProxyType)):
        yield from ((repr(key), item) for key, item in value.items())
    elif isinstance(value, (tuple, list)):
        yield from ((str(place), item) for place, item in enumerate(value))
    elif _has_fields(value):
        yield "", type(value)
        if dataclasses.is_dataclass(value):
            yield from ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))


def _parts_of_function(function: FunctionType) -> Named:
    closed = inspect.getclosurevars(function).nonlocals
    names = _names(function.__code__)
    for name in sorted(names):
        if name in closed or name in function.__globals__:
            value = closed.get(name, function.__globals__.get(name))
            yield name, _OfModule(module=value, names=names) if isinstance(value, ModuleType) else value
    yield from ((f"default {place}", value) for place, value in enumerate(function.__defaults__ or ()))
    yield from ((f"default {name}", value) for name, value in (function.__kwdefaults__ or {}).items())


def _parts_of_class(kind: type) -> Named:
    yield from ((f"above {place}", above) for place, above in enumerate(kind.__bases__))
    for name, member in vars(kind).items():
        if isinstance(member, FunctionType) or not name.startswith("__"):
            yield name, member
        yield from ((name, getattr(member, part, None)) for part in ("__func__", "fget", "fset", "func"))


def _names(code: CodeType) -> frozenset[str]:
    """The names that code uses, without Python's own, of which `__file__` would tell the folder and not the meaning."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(name for name in (*code.co_names, *code.co_freevars) if not name.startswith("__")).union(*inner)


def _has_fields(value: object) -> bool:
    return isinstance(value, Enum) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def _is_constant(value: object) -> bool:
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(_is_constant(item) for item in value)
    if isinstance(value, (dict, MappingProxyType)):
        return all(_is_constant(item) for pair in value.items() for item in pair)
    return isinstance(value, (*_CONSTANTS, re.Pattern)) and not isinstance(value, Enum)


def _told(value: object) -> str:
    if isinstance(value, (FunctionType, type)):
        return _spelled(_tree(value))
    if isinstance(value, Enum):
        return value.name
    return _worded(value) if _is_constant(value) else type(value).__qualname__


def _worded(value: object) -> str:
    """A constant as text; the members of a set have an order of their own in each process."""
    if isinstance(value, re.Pattern):
        return f"{value.pattern!r} {value.flags}"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(_worded, value)))}}}"
    if isinstance(value, (dict, MappingProxyType)):
        return f"{{{', '.join(f'{_worded(key)}: {_worded(item)}' for key, item in value.items())}}}"
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__}({', '.join(map(_worded, value))})"
    return repr(value)


def _tree(value: FunctionType | type) -> object:
    """The syntax of a function or class, without docstrings."""
    if isinstance(value, FunctionType) and value.__name__ == "<lambda>":
        return _lambdas(value.__code__)
    code = value.__code__ if isinstance(value, FunctionType) and hasattr(value, "__wrapped__") else value
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except OSError:
        if isinstance(value, FunctionType):
            raise
        return value.__qualname__  # made by a call, such as a namedtuple; its members tell the rest
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            node.decorator_list = [word for word in node.decorator_list if not declares(word)]
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def _lambdas(code: CodeType) -> object:
    """All lambdas of the line that one stands in: a line of an expression is often no syntax of its own."""
    nodes = ast.walk(ast.parse("".join(inspect.findsource(code)[0])))
    return [node for node in nodes if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno]


def declares(decorator: ast.expr) -> bool:
    """Whether a decorator is one of those that declare an asset."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in {"asset", "model"}


def _spelled(node: object) -> str:
    """A tree as text, without empty fields, which differ between versions of Python."""
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [], "")]
        return f"{type(node).__name__}({','.join(f'{name}={_spelled(value)}' for name, value in fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_spelled, node))}]"
    return repr(node)
