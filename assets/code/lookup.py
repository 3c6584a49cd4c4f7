"""What a name in the text stands for: the code that runs when it is reached, and not what the text alone would say."""

import builtins
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Protocol

from assets.asset import ModelAsset, TableAsset
from assets.code.foreign import put_there, refuse_by_text, refuse_name
from assets.code.names import Chain, Import
from assets.code.owned import Project, top_level
from assets.code.source import Namespace
from assets.code.telling import Telling
from assets.code.unit import Global, source_of
from assets.code.untold import Untold

_ABOUT_MODULE = frozenset({"__name__", "__file__", "__path__", "__package__", "__spec__", "__loader__"})
_MISSING = object()


class Known(Protocol):
    """Where names of modules are kept, each once."""

    @property
    def project(self) -> Project:
        """Whose code is followed."""

    def global_of(self, namespace: Namespace, name: str) -> Global:
        """A name of a module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Follows the names of one piece of code: its own imports first, then what it closes over, then its module's."""

    known: Known
    telling: Telling
    namespace: Namespace
    closed: Mapping[str, object]
    imports: Mapping[str, tuple[Import, ...]]

    @classmethod
    def of(
        cls,
        known: Known,
        telling: Telling,
        within: FunctionType | Namespace,
        imports: Mapping[str, tuple[Import, ...]],
    ) -> "Lookup":
        """The names as a function, or a module, sees them."""
        closed: dict[str, object] = {}
        if not isinstance(within, FunctionType):
            return cls(known=known, telling=telling, namespace=within, closed=closed, imports=imports)
        for name, cell in zip(within.__code__.co_freevars, within.__closure__ or (), strict=True):
            try:
                closed[name] = cell.cell_contents
            except ValueError:  # it is bound after the function is made, and not yet
                continue
        return cls(known=known, telling=telling, namespace=within.__globals__, closed=closed, imports=imports)

    def follow(self, chain: Chain) -> None:
        """Adds to what is told what a name, and the names behind its dots, stand for."""
        root, rest = chain[0], chain[1:]
        if root == "__builtins__":
            raise Untold("it reaches code by a text")
        if root in self.imports:
            for found in self.imports[root]:
                self._imported(found, rest)
        elif root in self.closed:
            self._reached(self.closed[root], rest)
        elif root in self.namespace:
            if root not in _ABOUT_MODULE:
                self._member(self.namespace, root, rest)
        elif hasattr(builtins, root):
            value = getattr(builtins, root)
            refuse_by_text(value)
            if self.known.project.owns_module(str(getattr(value, "__module__", ""))):
                self._reached(value, rest)  # a program gave it to all modules

    def docstring(self, chain: Chain) -> tuple[str, ...]:
        """The docstring that a name leads to, which counts where it is read."""
        if "__doc__" not in chain[1:]:
            return ()
        found = self.closed.get(chain[0], self.namespace.get(chain[0], getattr(builtins, chain[0], _MISSING)))
        for name in chain[1 : chain.index("__doc__", 1) + 1]:
            found = getattr(found, name, _MISSING)
        if found is _MISSING or chain[0] in self.imports:
            raise Untold("which docstring is read is not in the text")
        return (inspect.cleandoc(found),) if isinstance(found, str) else ()

    def _reached(self, value: object, rest: Chain) -> None:
        if isinstance(value, ModuleType):
            self._module(value, rest)
        else:
            refuse_by_text(value)
            self.telling.value(value)
            self._into(value, rest)

    def _into(self, value: object, rest: Chain) -> None:
        """Follows a package of others no further than to what the project put there, which is what runs."""
        found = put_there(value, rest, self.known.project)
        if found is not None:
            self.telling.value(found)

    def _module(self, module: ModuleType, rest: Chain) -> None:
        if not self.known.project.owns(module):
            self.telling.say(module.__name__)
            self._into(module, rest)
            return
        if not rest or rest[0] == "__dict__":
            raise Untold(f"which names of the module {module.__name__} are used is not in the text")
        name = rest[0]
        inner = f"{module.__name__}.{name}"
        if name in _ABOUT_MODULE:
            return
        if name in vars(module):
            self._member(vars(module), name, rest[1:])
        elif "__path__" in vars(module) and importlib.util.find_spec(inner):
            self._module(_loaded(inner), rest[1:])
        elif "__getattr__" in vars(module):
            self._member(vars(module), "__getattr__", ())
            self._reached(getattr(module, name), rest[1:])

    def _member(self, namespace: Namespace, name: str, rest: Chain) -> None:
        value = namespace[name]
        project = self.known.project
        if isinstance(value, ModuleType):
            self._module(value, rest)
            return
        refuse_by_text(value)
        is_function = isinstance(value, FunctionType) and project.owns_function(value)
        is_class = isinstance(value, type) and project.owns_class(value)
        if is_function or is_class:
            self.telling.refer(value)
        elif isinstance(value, (TableAsset, ModelAsset)):
            self.telling.value(value)
        else:
            origin = self._origin(namespace, name)
            if isinstance(origin, str):
                self.telling.say(origin)
            else:
                self.telling.refer(self.known.global_of(*origin))
            if isinstance(value, type):
                self._into(value, rest)

    def _origin(self, namespace: Namespace, name: str) -> tuple[Namespace, str] | str:
        """Where a name was first bound, behind imports; a text where that is not in the project."""
        for _ in range(100):
            if "__file__" not in namespace:  # a notebook
                break
            source = source_of(namespace, namespace.get("__file__"))
            if name in source.bindings:
                break
            stars = [Import(module=star.module, level=star.level, name=name) for star in source.imports.get("*", ())]
            value = namespace[name]
            for found in (*source.imports.get(name, ()), *stars):
                module = sys.modules.get(_absolute(found, namespace))
                if module is None or getattr(module, str(found.name), _MISSING) is not value:
                    continue
                if not self.known.project.owns(module):
                    return f"{module.__name__}.{found.name}"
                namespace, name = vars(module), str(found.name)
                break
            else:
                break
        return namespace, name

    def _imported(self, found: Import, rest: Chain) -> None:
        """What an import inside a function brings; packages of others are not loaded for this."""
        absolute = _absolute(found, self.namespace)
        base = top_level(absolute) if found.name == "" else absolute
        names = (found.name, *rest) if found.name else rest
        if not self.known.project.owns_module(absolute):
            refuse_name(f"{base}.{''.join(names[:1])}")
            if base in sys.modules:
                self._into(sys.modules[base], names)
            return
        module = _loaded(absolute)
        self._module(sys.modules[base] if found.name == "" else module, names)


def _absolute(found: Import, namespace: Namespace) -> str:
    if not found.level:
        return found.module
    package = str(namespace.get("__package__") or "")
    try:
        return importlib.util.resolve_name("." * found.level + found.module, package)
    except ImportError as error:
        raise Untold(str(error)) from error


def _loaded(name: str) -> ModuleType:
    """A module of the project that a function imports when it runs; it is imported now, for its text alone would not tell."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # an author's module may raise anything
        raise Untold(f"{name} cannot be imported here: {type(error).__name__}: {error}") from error
