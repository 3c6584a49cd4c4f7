"""What the local Airflow keeps secret: made once, kept for this user alone, used again."""

import base64
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from api.local.errors import CredentialsUnreadable

USER = "admin"
_KEYS = {"jwt_secret": 64, "api_secret": 32, "fernet_key": 32}
"""Each secret, and of how many random bytes it is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The secrets of one Airflow, and the password of its first user."""

    passwords_file: Path
    password: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    api_secret: str = field(repr=False)
    fernet_key: str = field(repr=False)


def kept(folder: Path) -> Credentials:
    """The credentials of this folder; what is missing is made, and what is there stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys_file, passwords_file = folder / "secrets.json", folder / "passwords.json"
    made = {name: base64.urlsafe_b64encode(secrets.token_bytes(size)).decode() for name, size in _KEYS.items()}
    keys = made | _read(keys_file)
    passwords = {USER: secrets.token_urlsafe(12)} | _read(passwords_file)
    _write(keys_file, keys)
    _write(passwords_file, passwords)
    return Credentials(passwords_file=passwords_file, password=passwords[USER], **{name: keys[name] for name in _KEYS})


def _read(file: Path) -> dict[str, str]:
    try:
        told = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise CredentialsUnreadable(str(file), "JSON") from error
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise CredentialsUnreadable(str(file), "one object of names and texts")
    return told


def _write(file: Path, told: dict[str, str]) -> None:
    """Writes whole or not at all; nobody else may read it at any time."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(told, out)
    fresh.replace(file)
