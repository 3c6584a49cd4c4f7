"""The lake's Spark server as a part of the platform: used where one runs, started where none does."""

from collections.abc import Callable

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


def stop(settings: LakeSettings, lake: str) -> bool:
    """Stops the server of a lake; false where none ran."""
    return spark_server.stop(settings.model_copy(update={"lake_root": lake})) is not None
