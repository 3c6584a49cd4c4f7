"""A namespace of mounts of the test's own: disks that are full or read-only for the commands that run in it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.killing import Command, Ended
from tests.journey.workplace import LAKELINE, Workplace

_PREPARED = "mount --make-rprivate / && echo ready && exec sleep 100000"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallWorld:
    """Mounts that only those see who enter; they are gone when the process that holds them ends."""

    holder: int

    def lakeline(self, place: Workplace, *arguments: str) -> Ended:
        """How a command ends that runs here."""
        return Command(place, (str(LAKELINE), *arguments), self._entered(place.folder)).wait()

    def mount(self, *arguments: str) -> None:
        """Mounts something here."""
        self.do("mount", *arguments)

    def do(self, *command: str) -> None:
        """Runs a command here."""
        subprocess.run([*self._entered(Path("/")), *command], check=True, capture_output=True)

    def path(self, path: Path) -> Path:
        """A path of this world, as the world outside reaches it."""
        return Path(f"/proc/{self.holder}/root") / path.relative_to("/")

    def _entered(self, folder: Path) -> tuple[str, ...]:
        return ("nsenter", "--mount", "--target", str(self.holder), f"--wd={folder}", "--")


@contextmanager
def small_world() -> Iterator[SmallWorld]:
    """A world of one's own, for as long as the test takes."""
    holder = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", _PREPARED], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "ready\n"
        yield SmallWorld(holder=holder.pid)
    finally:
        holder.kill()
        holder.wait()


def why_none() -> str | None:
    """Why there can be no such world on this machine; None where there can."""
    if missing := [name for name in ("unshare", "nsenter", "mount") if shutil.which(name) is None]:
        return f"{missing[0]!r} is not installed, and a disk can be mounted only with it"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True, text=True
    )
    return f"disks cannot be mounted here: {tried.stderr.strip()}" if tried.returncode else None
