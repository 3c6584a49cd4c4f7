"""A file of source, parsed once: where its functions, classes and names are made."""

import ast
import copy
import functools
import linecache
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from assets.code.names import Import, Uses, imported, uses
from assets.code.spelled import spelled

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Namespace = Mapping[str, object]
_Key = tuple[int, str]
# A module that was looked at is not read again, for a file that is changed afterwards is not the code that runs.
_parsed: "dict[_Key, tuple[weakref.ref[object], Source]]" = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a file holds. `bindings` has, by name, the statements of the module itself that make or change what it stands for."""

    file: str
    tree: ast.Module
    functions: Mapping[tuple[str, int], FunctionNode]
    classes: Mapping[str, list[ast.ClassDef]]
    imports: Mapping[str, list[Import]]
    bindings: Mapping[str, list[ast.stmt]]
    rebound: frozenset[str]
    _lambdas: dict[int, list[ast.Lambda]] = field(default_factory=dict)
    _read_nodes: dict[tuple[int, ...], tuple[str, Uses]] = field(default_factory=dict)
    _bare: dict[int, FunctionNode] = field(default_factory=dict)

    def read(self, nodes: Sequence[ast.AST]) -> tuple[str, Uses]:
        """The text of some of its nodes, and what they use."""
        key = tuple(map(id, nodes))
        if key not in self._read_nodes:
            self._read_nodes[key] = spelled(nodes), uses(nodes)
        return self._read_nodes[key]

    def bare(self, node: FunctionNode, decorators: list[ast.expr]) -> FunctionNode:
        """A function with no other decorators than these."""
        if len(decorators) == len(node.decorator_list):
            return node
        if id(node) not in self._bare:
            self._bare[id(node)] = copy.copy(node)
            self._bare[id(node)].decorator_list = decorators
        return self._bare[id(node)]

    def rebinding(self, name: str) -> list[ast.stmt]:
        """The functions that say `global` of a name, and the statements of the module that call them."""
        if name not in self.rebound:
            return []
        functions: list[FunctionNode] = [node for node in self.functions.values() if _says_global(node, name)]
        calls = (statement for node in functions for statement in self.bindings.get(node.name, ()))
        return list(dict.fromkeys([*functions, *calls]))

    def lambdas(self, line: int) -> list[ast.Lambda]:
        """All lambdas that begin on a line: which one of them a function is, its code does not always say."""
        if not self._lambdas:
            for node in ast.walk(self.tree):
                if isinstance(node, ast.Lambda):
                    self._lambdas.setdefault(node.lineno, []).append(node)
        return self._lambdas.get(line, [])

    @classmethod
    def of(cls, file: str, namespace: Namespace) -> "Source | None":
        """The source from which a file's code was loaded; None where there is none. Raises SyntaxError."""
        spec = namespace.get("__spec__")
        key = (id(spec), file)
        held, found = _parsed.get(key, (None, None))
        if held is not None and held() is spec and spec is not None:
            return found
        linecache.checkcache(file)
        lines = linecache.getlines(file, dict(namespace))
        if not lines:
            return None
        if spec is None:  # a script, or a cell of a notebook
            return cls._of_text(file, "".join(lines))
        source = cls._read(file, "".join(lines))
        _parsed[key] = (weakref.ref(spec, lambda _: _parsed.pop(key, None)), source)
        return source

    @classmethod
    @functools.lru_cache(maxsize=256)
    def _of_text(cls, file: str, text: str) -> "Source":
        return cls._read(file, text)

    @classmethod
    def _read(cls, file: str, text: str) -> "Source":
        tree = ast.parse(text)
        functions: dict[tuple[str, int], FunctionNode] = {}
        classes: dict[str, list[ast.ClassDef]] = {}
        rebound: set[str] = set()
        for qualified, node in _statements(tree.body):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(qualified, []).append(node)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                functions[node.name, min(d.lineno for d in (*node.decorator_list, node))] = node
            elif isinstance(node, ast.Global):
                rebound.update(node.names)
        imports: dict[str, list[Import]] = {}
        bindings: dict[str, list[ast.stmt]] = {}
        for statement in tree.body:
            for inner in _of_module([statement]):
                for name, found in imported(inner).items() if isinstance(inner, (ast.Import, ast.ImportFrom)) else ():
                    imports.setdefault(name, []).append(found)
            for name in _made_by(statement):
                bindings.setdefault(name, []).append(statement)
        return cls(
            file=file,
            tree=tree,
            functions=functions,
            classes=classes,
            imports=imports,
            bindings=bindings,
            rebound=frozenset(rebound),
        )


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _statements(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """All statements, at any depth, with the name that what they define has among all of its file."""
    ahead = [("", body)]
    while ahead:
        prefix, block = ahead.pop()
        for node in block:
            qualified = prefix + getattr(node, "name", "")
            yield qualified, node
            if isinstance(node, ast.ClassDef):
                inner = f"{qualified}."
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = f"{qualified}.<locals>."
            else:
                inner = prefix
            ahead += [(inner, deeper) for deeper in _blocks(node)]


def _of_module(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, without what stands in functions and classes."""
    ahead = list(statements)
    while ahead:
        node = ahead.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            ahead += [deeper for block in _blocks(node) for deeper in block]


def _made_by(statement: ast.stmt) -> set[str]:
    """The names that a statement makes, or may change what they stand for."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)) or _is_for_scripts(statement):
        return set()
    parts: Iterable[ast.AST] = [statement]
    if isinstance(statement, ast.Assign):
        parts = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        parts = [statement.target] if statement.value else []
    names = {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}
    inner = (node for node in _of_module([statement]) if isinstance(node, (ast.FunctionDef, ast.ClassDef)))
    return names | {node.name for node in inner}


def _says_global(node: FunctionNode, name: str) -> bool:
    return any(isinstance(part, ast.Global) and name in part.names for part in ast.walk(node))


def _is_for_scripts(statement: ast.stmt) -> bool:
    """Whether it is `if __name__ == "__main__":`, which an import does not run."""
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test)
    )
