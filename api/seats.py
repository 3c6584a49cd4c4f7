"""What each worker of a server says of itself, in a file for each, so that any of them can tell of all."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from api.canary import Variant
from api.placed import Refused
from api.predictor import Predictor
from api.whole import write_whole

_SUFFIX = ".seat.json"


class Answering(BaseModel):
    """A version that a worker answers with."""

    model_config = ConfigDict(frozen=True)

    model: str
    version: int
    run_id: str
    inputs: str
    since: datetime

    @classmethod
    def of(cls, predictor: Predictor) -> "Answering":
        """What is told of a loaded model."""
        card = predictor.card
        return cls(
            model=card.name, version=card.version, run_id=card.run_id, inputs=card.read_from, since=predictor.since
        )


class Seat(BaseModel):
    """What a worker answers with, and what it refused to."""

    model_config = ConfigDict(frozen=True)

    pid: int
    answering: Mapping[Variant, Answering] = {}
    refused: Mapping[Variant, Refused] = {}


def write_seat(folder: Path, slot: int, seat: Seat) -> None:
    """Tells the other workers."""
    write_whole(folder / f"{slot}{_SUFFIX}", seat.model_dump_json())


def read_seats(folder: Path) -> tuple[Seat, ...]:
    """What all workers that live say, in their order; one that has said nothing yet is left out."""
    files = sorted(folder.glob(f"[0-9]*{_SUFFIX}"), key=lambda file: int(file.name.removesuffix(_SUFFIX)))
    return tuple(seat for seat in map(_read, files) if seat is not None)


def clear_seat(folder: Path, slot: int) -> None:
    """Forgets a worker that has ended."""
    (folder / f"{slot}{_SUFFIX}").unlink(missing_ok=True)


def _read(file: Path) -> Seat | None:
    try:
        return Seat.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
