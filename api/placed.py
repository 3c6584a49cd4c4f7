"""What the resolver tells the workers of one alias, in one file: which version to serve, and how it knows."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from api.served import Target
from api.whole import write_whole
from lakehouse.errors import StoreUnreachable


class Refused(BaseModel):
    """A version that was fetched and cannot be served, and why."""

    model_config = ConfigDict(frozen=True)

    target: Target
    reason: str


class Placed(BaseModel):
    """What is known of an alias; a reason is None where there is nothing to say.

    `target` is complete on this machine, and `since` is when it was placed: one that was placed anew has another time,
    so that whoever refused it looks again. `registry_since` is since when the registry does not answer.
    """

    model_config = ConfigDict(frozen=True)

    target: Target | None = None
    since: datetime | None = None
    doing: str | None = None
    registry: str | None = None
    registry_since: datetime | None = None
    alias: str | None = None
    fetch: str | None = None
    refused: Refused | None = None

    @property
    def reason(self) -> str:
        """Why no version may be here yet, the nearest cause first."""
        refused = f"version {self.refused.target.version}: {self.refused.reason}" if self.refused else None
        registry = f"the registry {self.registry}" if self.registry else None
        return registry or refused or self.fetch or self.alias or self.doing or "the registry was not asked yet"


def read_placed(file: Path) -> Placed:
    """What was written last; where there is nothing that can be read, nothing is known."""
    try:
        return Placed.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return Placed()


def write_placed(file: Path, placed: Placed) -> None:
    """Tells the workers."""
    try:
        write_whole(file, placed.model_dump_json(indent=1, exclude_none=True))
    except OSError as error:
        raise StoreUnreachable(str(file), str(error)) from error
