"""The code version of a function: the same exactly while its meaning, and that of the project's code it uses, is the same."""

import ast
import builtins
import hashlib
import inspect
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from assets.asset import Made, TableAsset
from assets.errors import BadOption

_CONSTANTS = (str, bytes, int, float, complex, bool, type(None))
_FOREIGN = tuple(
    {
        str(Path(path).resolve())
        for name, path in sysconfig.get_paths().items()
        if name in {"stdlib", "purelib", "platlib"}
    }
)

_ROOMS = Path(__file__).resolve().parent.parent
_LAKELINE = frozenset({"lakehouse", "observability", "registry", "assets", "dags", "api"})


def code_version(asset: Made) -> str:
    """Sixteen hex digits over an asset's checks, and the syntax of its function and of all the project's own that it uses.

    That is functions, classes and constants, over modules. Comments, docstrings and formatting do not count. A version that
    the author gives stands for all of that.
    """
    if asset.code is not None:
        return asset.code
    digest = hashlib.sha256()
    checks = asset.checks if isinstance(asset, TableAsset) else ()
    for check in checks:
        digest.update(f"{check.name}\0{check.otherwise}\0\0".encode())
    try:
        reached = _reached(inspect.unwrap(asset.function))
    except (OSError, SyntaxError) as error:
        raise BadOption(asset.where, f"the source of {asset.key}", str(error), "a version by hand: code='1'") from error
    for name, told in sorted(reached.items()):
        digest.update(f"{name}\0{told}\0\0".encode())
    return digest.hexdigest()[:16]


def _reached(function: Callable[..., object]) -> dict[str, str]:
    """What the function means and uses, by name."""
    told: dict[str, str] = {}
    ahead: list[tuple[str, object]] = [("", function)]
    while ahead:
        name, value = ahead.pop()
        if name in told:
            continue
        told[name] = _told(value)
        if isinstance(value, FunctionType):
            ahead += [(f"{found}", used) for found, used in _used(value)]
        elif isinstance(value, type):
            methods = [member for member in vars(value).values() if isinstance(member, FunctionType)]
            ahead += [(found, used) for method in methods for found, used in _used(method)]
    return told


def _used(function: FunctionType) -> Iterator[tuple[str, object]]:
    """The project's values that a function's names stand for, each with its full name."""
    closed = inspect.getclosurevars(function).nonlocals
    for name in sorted(_names(function.__code__)):
        if name not in function.__globals__ and name not in closed:
            continue
        value = closed.get(name, function.__globals__.get(name))
        if isinstance(value, ModuleType):
            yield from _used_of_module(value, function.__code__)
            continue
        owner = getattr(value, "__module__", None) or function.__module__
        value = getattr(value, "function", value)
        if _is_ours(value):
            yield f"{owner}.{getattr(value, '__qualname__', name)}", value


def _used_of_module(module: ModuleType, code: CodeType) -> Iterator[tuple[str, object]]:
    if not _file_is_ours(getattr(module, "__file__", None)):
        return
    for name in sorted(_names(code)):
        if name in vars(module) and _is_ours(vars(module)[name]):
            yield f"{module.__name__}.{name}", vars(module)[name]


def _names(code: CodeType) -> set[str]:
    names = set(code.co_names) | set(code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names - set(vars(builtins))


def _is_ours(value: object) -> bool:
    if isinstance(value, FunctionType):
        return _file_is_ours(value.__code__.co_filename)
    if isinstance(value, type):
        return _file_is_ours(getattr(sys.modules.get(value.__module__), "__file__", None))
    return _is_constant(value)


def _is_constant(value: object) -> bool:
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(_is_constant(item) for item in value)
    if isinstance(value, dict):
        return all(_is_constant(item) for pair in value.items() for item in pair)
    return isinstance(value, _CONSTANTS)


def _file_is_ours(file: str | None) -> bool:
    """Whether the project's authors wrote it: not Python, not a package, and not Lakeline but for its example."""
    if file is None or not Path(file).is_file():
        return False  # what has no file, such as a method that a dataclass was given, follows from what has one
    path = Path(file).resolve()
    if path.is_relative_to(_ROOMS) and path.relative_to(_ROOMS).parts[0] in _LAKELINE:
        return path.is_relative_to(_ROOMS / "assets" / "definitions")
    return not str(path).startswith(_FOREIGN)


def _told(value: object) -> str:
    if isinstance(value, (set, frozenset)):
        return repr(sorted(map(repr, value)))
    if not isinstance(value, (FunctionType, type)):
        return repr(value)
    tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            node.decorator_list = [word for word in node.decorator_list if not _declares(word)]
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return _spelled(tree)


def _declares(decorator: ast.expr) -> bool:
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
