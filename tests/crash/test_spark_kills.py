"""`kill -9` of the client and of the Spark server; the next run starts a server where there is none and goes on."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.conftest import ON_SPARK
from tests.crash.killing import appears, finished, lakeline
from tests.crash.ledger import Ledger
from tests.journey.workplace import Workplace

pytestmark = [pytest.mark.slow, pytest.mark.spark]

TABLES = "+gold.sized"


@pytest.fixture
def on_spark(workplace: Callable[..., Workplace]) -> Iterator[Ledger]:
    """A ledger of a workplace that has a Spark server of its own, which may be killed."""
    place = workplace(ON_SPARK)
    yield Ledger(place=place)
    finished(place, "spark", "stop", "--all")


@pytest.mark.long
def test_promise_5_on_spark_a_killed_client_or_server_is_made_good_by_the_next_run(on_spark: Ledger) -> None:
    place = on_spark.place
    on_spark.land()
    finished(place, "run", TABLES)
    moments = (
        (Path("silver/orders"), "*.parquet"),
        (Path("silver/orders/_delta_log"), "*.json"),
        (Path("quarantine/silver/orders/_delta_log"), "*.json"),
    )
    for folder, pattern in moments[:2]:
        on_spark.land()
        ended = lakeline(place, "run", TABLES).kill_when(appears(place.lake / folder, pattern))
        assert ended.was_killed, ended
        on_spark.examine_half_way()
        finished(place, "run", TABLES)
        on_spark.examine_tables()
    for folder, pattern in moments[2:]:
        on_spark.land()
        seen = appears(place.lake / folder, pattern)
        ended = lakeline(place, "run", TABLES).do_when(seen, lambda: kill_server(place))
        told = " ".join((ended.out + ended.err).split())
        assert "no Spark server answers" in told, ended
        assert ended.code == 1 or "trying again" in told, ended
        assert "Traceback" not in ended.err
        on_spark.examine_half_way()
        finished(place, "run", TABLES)
        on_spark.examine_tables()


@pytest.mark.long
def test_promise_5_on_spark_kills_at_random_moments_write_everything_once(on_spark: Ledger) -> None:
    seed = os.environ.get("CRASH_SEED", str(time.time_ns() % 1_000_000))
    print(f"\nCRASH_SEED={seed}")
    chance, place = random.Random(seed), on_spark.place
    on_spark.land()
    finished(place, "run", TABLES)
    longest, kills = 15.0, 0
    while kills < int(os.environ.get("CRASH_KILLS_ON_SPARK", "20")):
        on_spark.land()
        for _ in range(chance.randint(1, 3)):
            moment = time.monotonic() + chance.uniform(1.0, longest)
            command = lakeline(place, "run", TABLES)
            if chance.random() < 0.3:
                command.do_unless_ended(lambda at=moment: time.monotonic() > at, lambda: kill_server(place))
                kills += 1
            else:
                kills += command.kill_after(moment - time.monotonic()).was_killed
            on_spark.examine_half_way()
        started = time.monotonic()
        finished(place, "run", TABLES)
        longest = time.monotonic() - started
        on_spark.examine_tables()
        print(f"{kills} kills, {on_spark.files} files, healed in {longest:.1f} s", flush=True)


def kill_server(place: Workplace) -> None:
    """Kills the Spark server of a workplace, where it has one."""
    for state in (place.home / "spark").glob("*.json"):
        os.kill(json.loads(state.read_text())["pid"], signal.SIGKILL)
