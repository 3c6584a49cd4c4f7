"""The fetched versions of one model on this machine's disk, so that a restart needs no registry.

`<folder>/<version>/` is complete or absent; `<folder>/current-<alias>` names the version that answered last.
"""

import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from api.errors import ModelBroken
from api.intact import check_intact, checksums
from api.served import CARD, Target, read_card
from api.whole import write_whole
from lakehouse.errors import StoreUnreachable

_KEPT = 5
_ABANDONED_SECONDS = 3600  # far longer than a fetch may take: a killed server left it


class Shelf:
    """The fetched versions of one model; several servers may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bringing: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def place_of(self, target: Target) -> Path:
        """The folder of a version, whether or not it is here."""
        return self.folder / str(target.version)

    def bring(self, target: Target, fetch: Callable[[Target, Path], None]) -> Path:
        """The folder of a version, fetched unless it is here; raises `ModelBroken` where something else came."""
        # Two aliases may name one version at the same moment; it is fetched once.
        with self._bringing[target.version]:
            return self.place_of(target) if self.holds(target) else self._brought(target, fetch)

    def holds(self, target: Target) -> bool:
        """Whether a version is here, as it was fetched; one without checksums may be anything."""
        place = self.place_of(target)
        try:
            check_version(place, target)
            check_intact(place)
            return bool(checksums(place))
        except ModelBroken:
            return False

    def current(self, alias: str) -> Path | None:
        """The folder of the version that answered last under an alias."""
        try:
            name = (self.folder / f"current-{alias}").read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return None
        place = self.folder / name
        return place if name.isdigit() and (place / CARD).is_file() else None

    def point(self, alias: str, place: Path) -> None:
        """Makes this version the one that a restart serves where the newest cannot be served."""
        try:
            write_whole(self.folder / f"current-{alias}", f"{place.name}\n")
        except OSError as error:
            raise StoreUnreachable(str(self.folder), str(error)) from error

    def tidy(self, needed: Iterable[Target]) -> None:
        """Lets the oldest versions go, except for those that are needed or answered last."""
        kept = {str(target.version) for target in needed}
        try:
            kept |= {file.read_text(encoding="utf-8").strip() for file in self.folder.glob("current-*")}
            for name in kept:
                with suppress(FileNotFoundError):
                    os.utime(self.folder / name)
            versions = [entry for entry in self.folder.iterdir() if entry.name.isdigit() and entry.is_dir()]
            versions.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
            for old in (version for version in versions[_KEPT:] if version.name not in kept):
                shutil.rmtree(old, ignore_errors=True)
            for left in self.folder.glob(".*-*"):
                if left.stat().st_mtime < time.time() - _ABANDONED_SECONDS and left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            raise StoreUnreachable(str(self.folder), str(error)) from error

    def _brought(self, target: Target, fetch: Callable[[Target, Path], None]) -> Path:
        place = self.place_of(target)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = Path(mkdtemp(prefix=f".{target.version}-", dir=self.folder))
        except OSError as error:
            raise StoreUnreachable(str(self.folder), str(error)) from error
        try:
            fetch(target, fresh)
            check_version(fresh, target)
            check_intact(fresh)
            self._put(fresh, place, target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return place

    def _put(self, fresh: Path, place: Path, target: Target) -> None:
        try:
            if place.exists():
                shutil.rmtree(place)
            fresh.rename(place)
        except OSError as error:
            # Another server may have put the same version here a moment ago.
            if not self.holds(target):
                raise StoreUnreachable(str(place), str(error)) from error


def check_version(place: Path, wanted: Target) -> None:
    """Raises `ModelBroken` where a folder holds another version, or no card that can be read."""
    found = read_card(place).target
    if found.version != wanted.version:
        raise ModelBroken(f"version {wanted.version} was wanted, and version {found.version} came")
    if wanted.run_id and found.run_id != wanted.run_id:
        raise ModelBroken(f"the run {wanted.run_id!r} was wanted, and the run {found.run_id!r} came")
