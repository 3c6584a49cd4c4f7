"""The lake's Spark server as a part of the platform: used where one runs, started where none does."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from api.local.errors import ServiceEnded
from api.local.running import State, may_begin_again
from api.local.service import last_lines
from lakehouse import spark_server
from lakehouse.settings import LakeSettings
from lakehouse.spark_command import files


class LakeSpark:
    """One Spark server for all that the platform runs: the one that runs already, wherever it listens, or a new one."""

    def __init__(self, settings: LakeSettings, port: int) -> None:
        self._settings, self._port = settings, port
        self.ran_before = spark_server.find(settings) is not None

    def start(self, report: Callable[[str], None]) -> None:
        """Starts it, or finds the one that runs."""
        spark_server.start(self._settings, report, port=self._port)

    def runs(self) -> bool:
        """Whether its process lives, whether it answers or not."""
        return spark_server.process(self._settings) is not None

    def address(self) -> str | None:
        """Where it answers; None where it does not."""
        found = spark_server.find(self._settings)
        return None if found is None else f"127.0.0.1:{found.port}"

    def log(self) -> str:
        """The end of its log."""
        return last_lines(files(self._settings).log)


class SparkWatch:
    """The lake's Spark server, started again where it ends, until it has ended too often."""

    def __init__(self, spark: LakeSpark, report: Callable[[str], None]) -> None:
        self._spark, self._report = spark, report
        self._ended_at: list[float] = []
        self._starts = ThreadPoolExecutor(max_workers=1)
        self._start: Future[None] | None = None

    def begin(self) -> None:
        """Starts it, or finds the one that runs, and returns when it answers."""
        self._spark.start(self._report)
        self._report(f"Spark is ready at {self._spark.address()}")

    def heal(self) -> None:
        """Has it started again where it has ended, by itself or by somebody's hand: the next run would do the same.

        That is not waited for, as everything else is looked after meanwhile; where it fails, the next look raises.
        """
        if self._start is not None:
            if self._start.done():
                begun, self._start = self._start, None
                begun.result()
            return
        if self._spark.runs():
            return
        now = time.monotonic()
        self._ended_at.append(now)
        if not may_begin_again(self._ended_at, now):
            raise ServiceEnded("Spark", None, self._spark.log())
        self._report("Spark has ended and is started again ...")
        self._start = self._starts.submit(self.begin)

    def settle(self) -> None:
        """Returns when no start is under way, so that whoever ends Spark finds what was started."""
        wait([self._start] if self._start else [])

    def state(self) -> State:
        """How it is now; while it starts, its record is not touched from here."""
        is_ready = self._start is None and self._spark.address() is not None
        return State(name="Spark", is_ready=is_ready, restarts=len(self._ended_at))


def stop(settings: LakeSettings, lake: str) -> bool:
    """Stops the server of a lake; false where none ran."""
    return spark_server.stop(settings.model_copy(update={"lake_root": lake})) is not None
