"""A bell in the folder of a server that runs: any of its processes rings it, and the one that asks the registry hears."""

from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import StoreUnreachable


@dataclass(frozen=True, slots=True)
class Bell:
    """The file whose time is when it was rung last."""

    folder: Path

    def ring(self) -> None:
        """Has the registry asked soon, and not only when its time comes."""
        try:
            self._file.touch()
        except OSError as error:
            raise StoreUnreachable(str(self.folder), str(error)) from error

    def rung(self) -> int | None:
        """When it was rung last, None where nobody did."""
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return None

    @property
    def _file(self) -> Path:
        return self.folder / "look"
