"""`kill -9` at random moments, again and again, on one lake; nothing is lost and nothing is doubled."""

import os
import random
import time

import pytest

from tests.crash.killing import finished, lakeline
from tests.crash.ledger import MODEL, Ledger, aliases

pytestmark = [pytest.mark.long, pytest.mark.slow]

KILLS = int(os.environ.get("CRASH_KILLS", "100"))
TABLES = "+gold.sized"


@pytest.fixture
def chance() -> random.Random:
    """The same moments again, with the seed that the test prints."""
    seed = os.environ.get("CRASH_SEED", str(time.time_ns() % 1_000_000))
    print(f"\nCRASH_SEED={seed}")
    return random.Random(seed)


def test_promise_5_a_hundred_kills_at_random_moments_write_everything_once(
    ledger: Ledger, chance: random.Random
) -> None:
    place = ledger.place
    ledger.land()
    finished(place, "run")
    kills = {"run": 0, "train": 0, "promote": 0}
    # How long each takes, so that the moments lie between its beginning and its end; learned anew each time it is finished.
    longest = {"run": 2.0, "train": 8.0, "promote": 5.0}
    while sum(kills.values()) < KILLS:
        ledger.land()
        work = "train" if chance.random() < 0.25 else "run"
        command = ("run",) if work == "train" else ("run", TABLES)
        for _ in range(chance.randint(2, 5)):
            kills[work] += lakeline(place, *command).kill_after(chance.uniform(0.2, longest[work])).was_killed
            ledger.examine_half_way()
        started = time.monotonic()
        finished(place, *command)
        longest[work] = time.monotonic() - started
        if work == "train":
            to = chance.choice(["staging", "production"]) if "staging" in aliases(place) else "staging"
            promote = ("promote", MODEL, "--to", to, "--yes", "--why", "newer")
            moment = chance.uniform(0.2, longest["promote"])
            kills["promote"] += lakeline(place, *promote).kill_after(moment).was_killed
            ledger.examine_half_way()
            started = time.monotonic()
            finished(place, *promote)
            longest["promote"] = time.monotonic() - started
        print(f"{kills} kills, {ledger.files} files, healed in {longest[work]:.1f} s", flush=True)
    finished(place, "run")
    ledger.examine()
