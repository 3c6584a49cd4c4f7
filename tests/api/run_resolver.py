"""A resolver over a folder of models, which stands for the registry."""

import os
import shutil
import sys
from functools import partial
from pathlib import Path

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


def fetch(folder: Path, target: Target, fresh: Path) -> None:
    """Brings a version."""
    shutil.copytree(folder / str(target.version), fresh, dirs_exist_ok=True)


def main(pipe: int, folder: Path) -> None:
    """Follows until a signal."""
    settings = ApiSettings.from_env()
    aliases = {alias: partial(named, folder, alias) for alias in settings.aliases}
    resolve(settings, pipe, named=aliases, fetch=partial(fetch, folder))


if __name__ == "__main__":
    start_log()
    main(int(sys.argv[1]), Path(os.environ["TEST_MODELS"]))
