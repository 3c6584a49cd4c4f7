"""The fetched versions of one model on this machine's disk, so that a restart needs no registry.

`<folder>/<version>/` is complete or absent; `<folder>/current` names the version that was served last.
"""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from api.errors import ModelBroken
from api.served import CARD, Target, read_card
from lakehouse.errors import StoreUnreachable

_KEPT = 5
_ABANDONED_SECONDS = 3600  # far longer than a fetch may take: a killed server left it


class Shelf:
    """The fetched versions of one model; several servers may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bring(self, target: Target, fetch: Callable[[Target, Path], None]) -> Path:
        """The folder of a version, fetched unless it is here."""
        place = self.folder / str(target.version)
        if self._is_at(place, target):
            return place
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = Path(mkdtemp(prefix=f".{target.version}-", dir=self.folder))
        except OSError as error:
            raise StoreUnreachable(str(self.folder), str(error)) from error
        try:
            fetch(target, fresh)
            self._put(fresh, place, target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return place

    def holds(self, target: Target) -> bool:
        """Whether a version is here."""
        return self._is_at(self.folder / str(target.version), target)

    def current(self) -> Path | None:
        """The folder of the version that was served last."""
        try:
            name = (self.folder / "current").read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return None
        place = self.folder / name
        return place if name.isdigit() and (place / CARD).is_file() else None

    def point(self, place: Path) -> None:
        """Makes this version the one that a restart serves, and lets the oldest ones go."""
        try:
            os.utime(place)
            written = self.folder / f".current-{os.getpid()}"
            with written.open("w", encoding="utf-8") as file:
                file.write(f"{place.name}\n")
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.folder / "current")
            self._tidy(place)
        except OSError as error:
            raise StoreUnreachable(str(self.folder), str(error)) from error

    def drop(self, place: Path) -> None:
        """Lets a version go, so that the next time it is fetched anew."""
        shutil.rmtree(place, ignore_errors=True)

    def _is_at(self, place: Path, target: Target) -> bool:
        try:
            found = read_card(place).target
        except ModelBroken:
            return False
        return found == target if target.run_id else found.version == target.version

    def _put(self, fresh: Path, place: Path, target: Target) -> None:
        try:
            if place.exists() and not self._is_at(place, target):
                shutil.rmtree(place)
            fresh.rename(place)
        except OSError as error:
            # Another server may have put the same version here a moment ago.
            if not self._is_at(place, target):
                raise StoreUnreachable(str(place), str(error)) from error

    def _tidy(self, current: Path) -> None:
        versions = [entry for entry in self.folder.iterdir() if entry.name.isdigit() and entry.is_dir()]
        versions.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
        for old in versions[_KEPT:]:
            if old != current:
                shutil.rmtree(old, ignore_errors=True)
        for left in self.folder.glob(".*-*"):
            if left.stat().st_mtime < time.time() - _ABANDONED_SECONDS and left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
