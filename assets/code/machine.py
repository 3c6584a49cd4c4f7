"""Which constants are places of one machine, and others in another copy of the project."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath

_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_SHORTEST = 2


def places_of(home: str) -> tuple[str, ...]:
    """The folders of a project, by its first package, of the person who runs it, and of what passes; never all of a disk."""
    folders = [*_roots(home), Path.home(), Path(tempfile.gettempdir())]
    both = dict.fromkeys(place for folder in folders for place in (folder, folder.resolve()))
    return tuple(str(place) for place in both if len(place.parts) >= _SHORTEST)


def is_of_a_machine(value: object, places: tuple[str, ...]) -> bool:
    """Whether a constant is a path from the root of a disk, or a text that leads into one of the places."""
    if isinstance(value, PurePath):
        return value.is_absolute()
    return isinstance(value, str) and any(value == place or value.startswith(f"{place}{os.sep}") for place in places)


def _roots(home: str) -> Iterator[Path]:
    """Where the first package lies, and the folder around it that a project's own files mark."""
    module = sys.modules.get(home)
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    file = getattr(module, "__file__", None)
    found = [folder.parent for folder in folders] or ([Path(file).parent] if isinstance(file, str) else [])
    for folder in found:
        yield folder.absolute()
        yield from (up for up in folder.absolute().parents if any((up / mark).exists() for mark in _MARKS))
