"""Which of two versions answers a request: a pure decision, the same in every worker and after every restart.

What was decided of the share while a server runs is in the file `canary-share` of its folder, for all its processes.
"""

import fcntl
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.served import Target
from api.whole import write_whole
from lakehouse.errors import StoreUnreachable

Variant = Literal["production", "canary"]

FORCED_HEADER = "x-model-variant"
"""By this header a tester says which of the two is to answer."""

_WHOLE = 2**64
_FILE = "canary-share"
_LOCK = "canary-share.lock"


def variant_of(share: float, *, key: bytes | None, forced: str | None, drawn: float = 0.0) -> Variant:
    """What a tester asked for, else by the key's place between 0 and 1, else by `drawn`.

    A key that the canary answers at one share it answers at every larger one.
    """
    if forced in ("production", "canary"):
        return "canary" if forced == "canary" else "production"
    place = drawn if key is None else place_of(key)
    return "canary" if place < share else "production"


def place_of(key: bytes) -> float:
    """The place of a key, evenly spread from 0 up to but not including 1."""
    return (int.from_bytes(blake2b(key, digest_size=8).digest()) >> 11) / (_WHOLE >> 11)


class Ended(BaseModel):
    """A version that gets no share any more, why, and since when."""

    model_config = ConfigDict(frozen=True)

    target: Target
    why: str
    at: datetime


class Ruling(BaseModel):
    """What was decided of the canary since the server was started; where nothing was, its settings hold.

    `share` is what an operator said, for any version. A version that has `ended` gets none, also when it comes back.
    """

    model_config = ConfigDict(frozen=True)

    share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    ended: tuple[Ended, ...] = ()

    def end_of(self, target: Target | None) -> Ended | None:
        """The end of a version, where it has ended."""
        return next((end for end in self.ended if end.target == target), None)

    def share_of(self, target: Target | None, settings: float) -> float:
        """The share of a version, where the settings say so much."""
        if self.end_of(target) is not None:
            return 0.0
        return settings if self.share is None else self.share


def ruling_file(folder: Path) -> Path:
    """Where it is told, in the folder of a server that runs."""
    return folder / _FILE


def read_ruling(folder: Path) -> Ruling:
    """What was decided last; where that cannot be read, a canary gets no share."""
    try:
        return Ruling.model_validate_json(ruling_file(folder).read_bytes())
    except FileNotFoundError:
        return Ruling()
    except (OSError, ValidationError):
        return Ruling(share=0.0)


def set_share(folder: Path, share: float) -> Ruling:
    """Gives the canary a share, as an operator says; a version that had ended goes on with it."""
    return _rule(folder, lambda _: Ruling(share=share))


def end_canary(folder: Path, end: Ended) -> Ruling:
    """Takes the share from a version, until an operator gives it one or the server is started again."""

    def ended(before: Ruling) -> Ruling:
        if before.end_of(end.target) is not None:
            return before
        return before.model_copy(update={"ended": (*before.ended, end)})

    return _rule(folder, ended)


def _rule(folder: Path, change: Callable[[Ruling], Ruling]) -> Ruling:
    try:
        # An operator and the server itself may decide at the same moment; neither may lose what the other said.
        with (folder / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ruling = change(read_ruling(folder))
            write_whole(ruling_file(folder), ruling.model_dump_json(indent=1))
            return ruling
    except OSError as error:
        raise StoreUnreachable(str(ruling_file(folder)), str(error)) from error
