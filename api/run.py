"""The folder of one server that runs, where its processes tell each other what only they need to know."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from lakehouse.errors import StoreUnreachable

METRICS = "metrics"
SEATS = "seats"

_YOUNG_SECONDS = 60.0


@contextmanager
def own_folder(runs: Path) -> Iterator[Path]:
    """A fresh folder, removed at the end; those of servers that were killed are removed first.

    A server that lives holds a lock on its folder: a process number would mean nothing where containers share a volume.
    """
    try:
        runs.mkdir(parents=True, exist_ok=True)
        _sweep(runs)
        folder = Path(mkdtemp(dir=runs))
        for name in (METRICS, SEATS):
            (folder / name).mkdir()
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise StoreUnreachable(str(runs), str(error)) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(runs: Path) -> None:
    for folder in runs.iterdir():
        if not _is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    try:
        with (folder / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        # One that is being made has no lock yet.
        return folder.exists() and folder.stat().st_mtime > time.time() - _YOUNG_SECONDS
