"""What an operator asked of a server that runs: files in its folder, which all of its workers see."""

from pathlib import Path

from api.canary import Ruling, set_share
from api.hint.bell import Bell
from lakehouse.errors import StoreUnreachable


class Orders:
    """The orders of one server; they end with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drain = folder / "drain"

    @property
    def wants_drain(self) -> bool:
        """Whether the server is to say that it is not ready."""
        return self._drain.exists()

    def drain(self, wanted: bool) -> None:
        """Asks all workers to say that they are not ready, or takes it back."""
        try:
            if wanted:
                self._drain.touch()
            else:
                self._drain.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnreachable(str(self._folder), str(error)) from error

    def share(self, share: float) -> Ruling:
        """Gives the canary a share of the requests of all workers, 0 to end it."""
        return set_share(self._folder, share)

    def look(self) -> None:
        """Has the registry asked at once, whatever the time of the next question is."""
        Bell(self._folder).ring()
