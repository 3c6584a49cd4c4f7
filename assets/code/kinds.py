"""A class of the project: its text, the classes above it, and what it was given besides its text or after it."""

import ast
import inspect
import sys
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partialmethod, singledispatchmethod
from types import FunctionType
from typing import Protocol

from assets.code.owned import Project, top_level
from assets.code.patches import Patches
from assets.code.source import Namespace, Source
from assets.code.telling import Telling, dotted, is_at, wrapped
from assets.code.unit import name_of, source_of
from assets.code.untold import Untold

_MADE_BY_CALL = "made where its text does not stand"
_OF_PYTHON = frozenset({"_abc_impl", "_is_protocol", "_is_runtime_protocol"})
_OF_TUPLES = frozenset({"_fields", "_field_defaults"})


class Reads(Protocol):
    """Reads syntax and values of the project."""

    @property
    def project(self) -> Project:
        """Whose code is read."""

    @property
    def patches(self) -> Patches:
        """What modules set from outside."""

    def text(
        self, telling: Telling, nodes: list[ast.AST], source: Source, within: FunctionType | Namespace, skip: str = ""
    ) -> None:
        """Adds syntax."""

    def trial(self, telling: Telling, value: object, strict: str | None, place: str = "") -> bool:
        """Adds a value, and says whether it could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A class, its statements, and the names that these bind."""

    kind: type
    nodes: list[ast.AST]
    bound: frozenset[str]
    file: str

    @property
    def is_local(self) -> bool:
        """Whether a function made it, so that no name leads to it."""
        return "<locals>" in self.kind.__qualname__

    def holds(self, function: FunctionType) -> bool:
        """Whether a function stands in its text."""
        line = function.__code__.co_firstlineno
        return function.__module__ == self.kind.__module__ and any(_holds(node, line) for node in self.nodes)


def tell_class(reads: Reads, telling: Telling, kind: type) -> None:
    """Adds all that a class is; raises Untold where that is not in the text."""
    namespace = vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else {}
    source = source_of(namespace, namespace.get("__file__"))
    nodes: list[ast.AST] = [*source.classes.get(kind.__qualname__, ())]
    if nodes:
        reads.text(telling, nodes, source, namespace)
    elif is_at(kind, dotted(kind)) and kind.__qualname__ in source.bindings:
        reads.text(telling, [*source.bindings[kind.__qualname__]], source, namespace, kind.__qualname__)
    else:
        raise Untold(f"{name_of(kind)} is {_MADE_BY_CALL}", source.file)
    for above in (type(kind), *kind.__bases__):
        if reads.project.owns_class(above):
            telling.refer(above)
    bound = frozenset(node.id for tree in nodes for node in ast.walk(tree) if isinstance(node, ast.Name))
    told = _Kind(kind=kind, nodes=nodes, bound=bound, file=source.file)
    for name, member in sorted(vars(kind).items(), key=lambda item: item[0]):
        if _is_state(member) and not _is_made_by_python(told, name):
            _state(reads, telling, told, name, member)
        _functions(reads, telling, told, name, member)


def _state(reads: Reads, telling: Telling, told: _Kind, name: str, member: object) -> None:
    """A value may have been set after the class was made; for a local class, it is all there is."""
    telling.say(name)
    if reads.trial(telling, member, name if told.is_local else None):
        return
    patches = reads.patches.of(told.kind, name)
    for patch in patches:
        if not patch.is_in_function:
            reads.text(telling, [patch.statement], patch.source, patch.namespace)
        elif name not in told.bound:  # else it may be what the class remembers while it is used
            raise Untold(f"a function sets {name} of {name_of(told.kind)}", patch.place)
    if not patches and name not in told.bound and not _is_made_by_others(reads.project, told):
        raise Untold(f"{name} of {name_of(told.kind)} is {_MADE_BY_CALL}", told.file)


def _functions(reads: Reads, telling: Telling, told: _Kind, name: str, member: object) -> None:
    for found in _functions_of(member):
        function = _owned(reads.project, found)
        if function is None or (function.__code__.co_filename.startswith("<") and name.startswith("__")):
            telling.say(*([] if name.startswith("__") else [name, dotted(found)]))
            continue  # what a dataclass or a named tuple is given follows from its text
        if told.is_local or not told.holds(function):
            telling.say(name)
            telling.refer(function)


def _is_state(member: object) -> bool:
    return not (_functions_of(member) or isinstance(member, Enum) or inspect.isdatadescriptor(member))


def _is_made_by_python(told: _Kind, name: str) -> bool:
    """Whether a name that the text does not bind follows from it all the same."""
    if name.startswith("__"):
        return True
    if not name.startswith("_") or name in told.bound:
        return False
    is_of_enum = issubclass(told.kind, Enum) and name.endswith("_")
    return is_of_enum or name in _OF_PYTHON or (issubclass(told.kind, tuple) and name in _OF_TUPLES)


def _is_made_by_others(project: Project, told: _Kind) -> bool:
    """Whether a package has a hand in making a class, and may have given it something of its own."""
    makers = (type(told.kind), *told.kind.__mro__)
    is_decorated = any(getattr(node, "decorator_list", []) for node in told.nodes)
    is_foreign = [not project.owns_class(k) and top_level(k.__module__) not in sys.stdlib_module_names for k in makers]
    return is_decorated or any(is_foreign)


def _owned(project: Project, function: object) -> FunctionType | None:
    """The function of the project that a member is, or that others wrap."""
    while function is not None:
        if isinstance(function, FunctionType) and project.owns_function(function):
            return function
        function = wrapped(function)
    return None


def _functions_of(member: object) -> list[object]:
    """The functions of a method, a property or another member."""
    parts: list[object] = [member] if isinstance(member, FunctionType) or wrapped(member) is not None else []
    if isinstance(member, (staticmethod, classmethod)):
        parts = [member.__func__]
    elif isinstance(member, property):
        parts = [member.fget, member.fset, member.fdel]
    elif isinstance(member, (cached_property, partialmethod)):
        parts = [member.func]
    elif isinstance(member, singledispatchmethod):
        parts = [member.func, *member.dispatcher.registry.values()]
    return [part for part in parts if callable(part)]


def _holds(node: ast.AST, line: int) -> bool:
    return getattr(node, "lineno", 0) <= line <= getattr(node, "end_lineno", 0)
