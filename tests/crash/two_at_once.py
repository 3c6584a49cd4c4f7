"""`python -m tests.crash.two_at_once ME OTHER ROUNDS`: one of two processes that run the same line at the same moments."""

import json
import sys
import time
from pathlib import Path

from assets.materialize import Materializer
from lakehouse.errors import PlatformError

PATIENCE_SECONDS = 300


def main(me: Path, other: Path, rounds: int) -> None:
    """Runs once a round, as soon as the other one does; what came of it is a line of JSON."""
    for number in range(rounds):
        (me / f"{number}.ready").touch()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (other / f"{number}.ready").exists() or not (me.parent / f"{number}.landed").exists():
            assert time.monotonic() < deadline, "the other one does not come"
            time.sleep(0.001)
        try:
            done = Materializer.from_env().run("+gold.sized")
            told = {o.key: type(o.error).__name__ if o.error else o.action for o in done.outcomes}
        except PlatformError as error:
            told = {"": type(error).__name__}
        print(json.dumps(told), flush=True)
        (me / f"{number}.done").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
