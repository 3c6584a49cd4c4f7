"""A resolver over a folder of models, which stands for the registry."""

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from api.canary import Ended
from api.judge import Judge
from api.resolver import resolve
from api.served import Target
from api.settings import ApiSettings
from lakehouse.errors import StoreUnreachable
from observability.log import start_log


def named(folder: Path, alias: str) -> Target | None:
    """The version that a file names."""
    if not folder.is_dir():
        raise StoreUnreachable(str(folder), "connection refused")
    return Target(version=int((folder / alias).read_text())) if (folder / alias).exists() else None


def fetch(folder: Path, target: Target, fresh: Path, is_wanted: Callable[[], bool]) -> None:
    """Brings a version."""
    shutil.copytree(folder / str(target.version), fresh, dirs_exist_ok=True)


def journal(folder: Path, end: Ended) -> None:
    """Tells of a canary that has ended; without the file the journal is away."""
    if not (folder / "journal").exists():
        raise StoreUnreachable(str(folder), "connection refused")
    with (folder / "journal").open("a") as told:
        told.write(f"{end.target.version} {end.why}\n")


def main(pipe: int, run: Path, folder: Path) -> None:
    """Follows until a signal."""
    settings = ApiSettings.from_env()
    aliases = {alias: partial(named, folder, alias) for alias in settings.aliases}
    judge = Judge(settings, run, partial(journal, folder))
    resolve(settings, pipe, named=aliases, fetch=partial(fetch, folder), also=(judge,))


if __name__ == "__main__":
    start_log()
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(os.environ["TEST_MODELS"]))
