"""Whether the files of a fetched version are those that were fetched."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from api.errors import ModelBroken
from api.served import CARD


def check_intact(folder: Path) -> None:
    """Compares each file with the checksum that the card gives; raises `ModelBroken` for the first that differs."""
    for name, wanted in checksums(folder).items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelBroken(f"{name!r} cannot be read: {error.strerror}") from error
        if found != wanted:
            raise ModelBroken(f"{name!r} is not what was fetched: its sha256 is {found[:12]}, wanted {wanted[:12]}")


def checksums(folder: Path) -> Mapping[str, str]:
    """The sha256 of each file, as the card gives it; nothing where the card says none."""
    try:
        told = json.loads((folder / CARD).read_bytes()).get("files") or {}
        return {str(name): str(wanted) for name, wanted in told.items()}
    except OSError as error:
        raise ModelBroken(f"{CARD} cannot be read: {error.strerror}") from error
    except (ValueError, AttributeError) as error:
        raise ModelBroken(f"{CARD} is not understood: {error}") from error
