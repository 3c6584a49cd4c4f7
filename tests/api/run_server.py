"""A server of its own process for the tests: `python -m tests.api.run_server HOME PORT MODELS WORKERS [SHARE]`.

`MODELS/<version>/` are the models, the file `MODELS/<alias>` names one; without the folder the registry is down. The
first line on standard output is the address; each worker that ends in order tells what it had loaded.
"""

import os
import sys
from pathlib import Path

from api.server import serve
from api.settings import ApiSettings
from lakehouse.errors import PlatformError
from observability.log import start_log


def main(home: Path, port: int, folder: Path, workers: int, share: str) -> None:
    """Serves until a signal."""
    settings = ApiSettings.from_env(
        home=home,
        serve_port=port,
        serve_workers=workers,
        serve_canary=share,
        serve_poll_seconds=0.1,
        serve_drain_seconds=1.0,
    )
    os.environ["TEST_MODELS"] = str(folder)
    try:
        serve(
            settings,
            resolver=(sys.executable, "-m", "tests.api.run_resolver"),
            worker=(sys.executable, "-m", "tests.api.run_worker"),
            started=lambda address: print(address, flush=True),
        )
    except PlatformError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    start_log()
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
