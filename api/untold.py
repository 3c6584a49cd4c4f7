"""What the journal is to tell and could not be told yet, in files that outlive the server."""

import logging
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from api.canary import Ended
from api.whole import write_whole
from lakehouse.errors import StoreUnreachable

_FOLDER = "untold"
_log = logging.getLogger(__name__)


def note(home: Path, end: Ended) -> None:
    """Keeps the end of a canary until it is journaled."""
    file = home / _FOLDER / f"{end.target.version}-{end.at:%Y%m%dT%H%M%S%f}.json"
    try:
        write_whole(file, end.model_dump_json(indent=1))
    except OSError as error:
        raise StoreUnreachable(str(file), str(error)) from error


def untold(home: Path) -> Iterator[tuple[Path, Ended]]:
    """What is to be journaled, oldest first, each with the file to remove once it is."""
    for file in sorted((home / _FOLDER).glob("[0-9]*.json"), key=lambda file: file.name.partition("-")[2]):
        try:
            yield file, Ended.model_validate_json(file.read_bytes())
        except ValidationError as error:
            _log.error("%s is not understood and set aside: %s", file, error)
            file.replace(file.with_suffix(".broken"))
        except OSError:
            continue  # another server of this folder has journaled it
