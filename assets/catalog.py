"""Loads modules of definitions and makes the graph and the jobs of what they declare."""

import ast
import importlib
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from assets.asset import Asset, External, ModelAsset, TableAsset
from assets.code import declares
from assets.errors import BadOption, DefinitionsUnloadable, Where
from assets.graph import Graph
from assets.job import Job
from assets.jobs import Jobs
from assets.options import short
from assets.settings import DefinitionSettings
from lakehouse.errors import PlatformError


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """All that modules of definitions declare."""

    graph: Graph
    jobs: Jobs


def load(modules: Iterable[str] | None = None) -> Graph:
    """The graph of all assets that the modules hold; by default of those that the environment names.

    A package stands for all its modules. A module is imported from the environment or from the working folder.
    """
    return _graph_and_jobs(modules)[0]


def load_jobs(modules: Iterable[str] | None = None) -> Declared:
    """The graph, and the jobs over it."""
    graph, jobs = _graph_and_jobs(modules)
    return Declared(graph=graph, jobs=Jobs.of(graph, jobs))


def _graph_and_jobs(modules: Iterable[str] | None) -> tuple[Graph, list[Job]]:
    names = tuple(modules) if modules is not None else DefinitionSettings.from_env().modules
    found: dict[int, Asset] = {}
    jobs: dict[int, Job] = {}
    for name in names:
        for module in _modules(name):
            _refuse_lost(module)
            for value in vars(module).values():
                if isinstance(value, (TableAsset, ModelAsset, External)):
                    found[id(value)] = value
                elif isinstance(value, Job):
                    jobs[id(value)] = value
    if not found:
        raise DefinitionsUnloadable(", ".join(names), "it declares no asset, model or external that is bound to a name")
    return Graph.of(found.values()), list(jobs.values())


def _modules(name: str) -> Iterator[ModuleType]:
    module = _imported(name)
    yield module
    for inner in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if inner.name != "__main__":
            yield from _modules(f"{name}.{inner.name}")


def _refuse_lost(module: ModuleType) -> None:
    """Refuses an asset that nobody can find, because a later function of the module took its name."""
    try:
        body = ast.parse(inspect.getsource(module)).body
    except (OSError, TypeError):
        return  # a module without source, or without a line in it
    first: dict[str, ast.FunctionDef] = {}
    for node in body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _is_external(node.value.func):
            where = Where(file=short(str(module.__file__)), line=node.lineno)
            raise BadOption(
                where, "an external", "bound to no name", "a name by which it is found: landed = external(...)"
            )
        if not isinstance(node, ast.FunctionDef):
            continue
        if (lost := first.get(node.name)) is not None:
            where = Where(file=short(str(module.__file__)), line=lost.decorator_list[0].lineno)
            again = Where(file=where.file, line=node.lineno)
            raise BadOption(where, "the name of the function", f"{node.name!r} again at {again}", "a name of its own")
        if any(declares(word) for word in node.decorator_list):
            first[node.name] = node


def _is_external(called: ast.expr) -> bool:
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == "external"


def _imported(name: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except PlatformError:
        raise
    except (Exception, SystemExit) as error:  # an author's module may raise anything, and its place must be told
        at = traceback.extract_tb(error.__traceback__)[-1]
        if isinstance(error, SyntaxError):
            place = f"{error.filename}:{error.lineno}"
        elif isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise DefinitionsUnloadable(name, f"no such module in the environment or in {folder!r}") from error
        else:
            place = f"{at.filename}:{at.lineno}"
        raise DefinitionsUnloadable(name, f"{type(error).__name__} at {place}: {error}") from error
