"""A PostgreSQL of the tests' own: the machine's programs, a cluster in a short folder, a socket and no port."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "postgres"


def programs() -> Path:
    """The folder of the newest PostgreSQL; Debian's package is installed where there is none and one may."""
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = _found()
    if found is None:
        pytest.skip(
            "PostgreSQL is not on this machine and cannot be installed by this user: 'apt-get install postgresql'"
        )
    return found


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a fresh database, as SQLAlchemy spells it."""
    bin_folder = programs()
    folder = Path(tempfile.mkdtemp(prefix="lk-pg-", dir="/tmp"))  # a socket's path may have 107 characters
    is_root = os.geteuid() == 0
    if is_root:  # PostgreSQL refuses root
        shutil.chown(folder, USER, USER)
    as_user = {"user": USER, "group": USER, "extra_groups": []} if is_root else {}
    data = folder / "data"

    def run(*words: object) -> None:
        done = subprocess.run(
            [str(word) for word in words], cwd=folder, capture_output=True, text=True, check=False, **as_user
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)

    try:
        run(bin_folder / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=200"
        run(bin_folder / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            run(bin_folder / "createdb", "-h", folder, "-U", USER, "airflow")
            yield f"postgresql+psycopg2://{USER}@/airflow?host={folder}"
        finally:
            run(bin_folder / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _found() -> Path | None:
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path and not folders:
        return Path(on_path).resolve().parent
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def _install() -> None:
    """Installs the programs, without the cluster that Debian would start."""
    told = Path("/etc/postgresql-common/createcluster.conf")
    if not told.exists():
        told.parent.mkdir(parents=True, exist_ok=True)
        told.write_text("create_main_cluster = false\n")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "postgresql"]):
        subprocess.run(["apt-get", "-qq", *words], env=quiet, capture_output=True, check=False, timeout=500)
