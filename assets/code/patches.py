"""Where the project's modules give something an attribute that its own text does not give it."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import NamedTuple

from assets.code.names import Chain, chain_of
from assets.code.owned import Project
from assets.code.source import Namespace, Source
from assets.code.unit import source_of
from assets.code.untold import Untold


class Patch(NamedTuple):
    """A statement of a module that sets an attribute of what a name stands for, or a function that does."""

    to: Chain
    attribute: str
    statement: ast.stmt
    source: Source
    namespace: Namespace

    @property
    def is_in_function(self) -> bool:
        """Whether it is done when something is called, and not when its module is loaded."""
        return isinstance(self.statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))

    @property
    def place(self) -> str:
        """Its `file:line`."""
        return f"{self.source.file}:{self.statement.lineno}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """What the loaded modules of the project set; each is looked through once, and only when somebody asks."""

    project: Project
    _seen: dict[str, tuple[Patch, ...]] = field(default_factory=dict)

    def of(self, holder: object, attribute: str) -> tuple[Patch, ...]:
        """All statements that set an attribute of a class."""
        return tuple(
            patch
            for module in sorted(sys.modules)
            for patch in self._in(module)
            if patch.attribute == attribute and _stands_for(patch, holder)
        )

    def _in(self, name: str) -> tuple[Patch, ...]:
        if name not in self._seen:
            module = sys.modules[name]
            is_read = isinstance(module, ModuleType) and self.project.owns(module)
            self._seen[name] = tuple(_patches(vars(module))) if is_read else ()
        return self._seen[name]


def _patches(namespace: Namespace) -> Iterator[Patch]:
    try:
        source = source_of(namespace, namespace.get("__file__"))
    except Untold:  # what has no text in Python sets nothing in one
        return
    for statement in source.tree.body:
        for node in ast.walk(statement):
            for to, attribute in _set_by(node):
                yield Patch(to, attribute, statement, source, namespace)


def _set_by(node: ast.AST) -> Iterator[tuple[Chain, str]]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        if (chain := chain_of(node.value)) is not None:
            yield chain, node.attr
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr" and len(node.args) == 3:
        chain, name = chain_of(node.args[0]), node.args[1]
        if chain is not None and isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield chain, name.value


def _stands_for(patch: Patch, holder: object) -> bool:
    found = patch.namespace.get(patch.to[0])
    for name in patch.to[1:]:
        found = getattr(found, name, None)
    return found is holder
