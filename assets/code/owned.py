"""Whose code is whose: what an asset's authors wrote, apart from Python, what is installed, and Lakeline itself."""

import importlib
import importlib.util
import sys
import sysconfig
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType, ModuleType

from assets.code.machine import places_of

_FOREIGN = tuple(
    {Path(path).resolve() for name, path in sysconfig.get_paths().items() if name in {"stdlib", "purelib", "platlib"}}
)
_INSTALLED = ("site-packages", "dist-packages")
_ROOMS = Path(__file__).resolve().parents[2]
_LAKELINE = frozenset({"lakehouse", "observability", "registry", "assets", "dags", "api"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The code of an asset's authors: the package that it is in, and whatever else is neither Python's nor installed."""

    home: str
    _files: dict[tuple[str, str], bool] = field(default_factory=dict)
    _modules: dict[str, bool] = field(default_factory=dict)
    _places: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def places(self) -> tuple[str, ...]:
        """The folders of which another machine has others."""
        if not self._places:
            self._places.append(places_of(self.home))
        return self._places[0]

    def owns_file(self, module: str, file: str) -> bool:
        """Whether the code of a file is the project's; a module says by its name that it is of the home package."""
        key = (top_level(module), file)
        if key not in self._files:
            self._files[key] = self._decide(*key)
        return self._files[key]

    def owns_function(self, function: FunctionType) -> bool:
        """Whether a function was written in the project; what was made from a text counts as its module's."""
        file = function.__code__.co_filename
        scope = function.__globals__
        if file.startswith("<"):
            made_in = scope.get("__file__")
            if isinstance(made_in, str):
                return self.owns_file(str(scope.get("__name__")), made_in)
            return not file.startswith("<frozen") and scope.get("__spec__") is None
        return self.owns_file(str(scope.get("__name__")), file)

    def owns_class(self, kind: type) -> bool:
        """Whether a class was made in a module of the project."""
        return self.owns_module(kind.__module__) if isinstance(kind.__module__, str) else False

    def owns_module(self, name: str) -> bool:
        """Whether a module is the project's, imported or not; only the first of its names is looked for."""
        if name not in self._modules:
            module = sys.modules.get(name)
            self._modules[name] = self.owns(module) if module is not None else self._owns_unseen(top_level(name))
        return self._modules[name]

    def owns(self, module: ModuleType) -> bool:
        """Whether an imported module is the project's."""
        if module.__name__ == "__main__" or module.__name__.startswith("__mp_main__"):
            return True
        file = vars(module).get("__file__")
        if file is not None:
            return self.owns_file(module.__name__, file)
        folders = vars(module).get("__path__")
        if folders is None:  # Python's own, or what a program made up
            return vars(module).get("__spec__") is None
        return any(self.owns_file(module.__name__, str(folder)) for folder in folders)

    def _owns_unseen(self, name: str) -> bool:
        if (module := sys.modules.get(name)) is not None:
            return self.owns(module)
        try:
            spec: ModuleSpec | None = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return False
        if spec is None:
            return False
        places = [spec.origin] if spec.has_location and spec.origin else spec.submodule_search_locations or ()
        return any(self.owns_file(name, str(place)) for place in places)

    def _decide(self, top: str, file: str) -> bool:
        path = Path(file).resolve()
        if path.is_relative_to(_ROOMS) and path.relative_to(_ROOMS).parts[0] in _LAKELINE:
            return path.is_relative_to(_ROOMS / "assets" / "definitions")
        if top == self.home:
            return True
        is_packed = any(part.endswith((".zip", ".egg", ".pyz")) for part in path.parts)
        is_installed = is_packed or any(part in _INSTALLED for part in path.parts)
        return not is_installed and not any(path.is_relative_to(folder) for folder in _FOREIGN)


def top_level(module: str) -> str:
    """The first of a module's names."""
    return module.partition(".")[0]
