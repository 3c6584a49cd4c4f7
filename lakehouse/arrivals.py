"""What has come into a landing folder since the last look. Names, sizes and times tell; no file is opened."""

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path

from lakehouse.errors import StoreUnreachable
from lakehouse.files import FileFacts
from lakehouse.landing import QUIET_SECONDS

Listed = Mapping[str, FileFacts]


def listed(folder: Path, pattern: str, now: float) -> Listed:
    """The whole files under a pattern, by their path from the folder; one that was just written to may still grow."""
    paths = [path for path in folder.glob(pattern) if not path.name.startswith(".")]
    found = {str(path.relative_to(folder)): facts for path in paths if (facts := _facts(path)) is not None}
    return {name: facts for name, facts in found.items() if not 0 <= now - facts.changed < QUIET_SECONDS}


def digest(files: Listed) -> str:
    """Another one for every other set of files."""
    told = "".join(f"{name}\0{facts.size}\0{facts.changed!r}\n" for name, facts in sorted(files.items()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def arrived(files: Listed, seen: str | None, before: Listed | None) -> tuple[str, ...]:
    """The names of the files that are new since a look, newest first, by its digest and what it found.

    `before` is None where nobody remembers what was found, as after a restart; then any of them may be new.
    """
    if digest(files) == seen:
        return ()
    new = files if before is None else {name: facts for name, facts in files.items() if before.get(name) != facts}
    return tuple(sorted(new, key=lambda name: (-new[name].changed, name)))


def _facts(path: Path) -> FileFacts | None:
    try:
        told = path.stat()
    except FileNotFoundError:
        return None  # somebody else removed it meanwhile
    except OSError as error:
        raise StoreUnreachable(str(path), error.strerror or str(error)) from error
    return FileFacts(size=told.st_size, changed=told.st_mtime) if stat.S_ISREG(told.st_mode) else None
