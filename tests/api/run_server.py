"""A server of its own process for the tests: `python -m tests.api.run_server HOME PORT MODELS`.

`MODELS/<version>/` are the models, the file `MODELS/production` names one; without the folder the registry is down. The
first line on standard output is the address, the last one tells what the process had loaded.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from api.served import Target
from api.server import serve
from api.settings import ApiSettings
from lakehouse.errors import PlatformError, StoreUnreachable
from observability.log import start_log

HEAVY = ("mlflow", "pyspark", "deltalake", "duckdb", "airflow", "sklearn", "pandas")


def main(home: Path, port: int, folder: Path) -> None:
    """Serves until a signal."""

    def production() -> Target | None:
        if not folder.is_dir():
            raise StoreUnreachable(str(folder), "connection refused")
        named = folder / "production"
        return Target(version=int(named.read_text())) if named.exists() else None

    def fetch(target: Target, fresh: Path) -> None:
        shutil.copytree(folder / str(target.version), fresh, dirs_exist_ok=True)

    settings = ApiSettings(home=home, serve_port=port, serve_poll_seconds=0.1, serve_drain_seconds=1.0)
    try:
        serve(settings, production=production, fetch=fetch, started=lambda address: print(address, flush=True))
    except PlatformError as error:
        sys.exit(f"error: {error}")
    loaded = [name for name in HEAVY if name in sys.modules]
    print(json.dumps({"loaded": loaded, "threads": os.environ["OMP_NUM_THREADS"]}), flush=True)


if __name__ == "__main__":
    start_log()
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
