"""Whose hints are heard; from the environment."""

from pathlib import Path
from typing import Self

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.errors import BadSetting
from lakehouse.settings import bad_setting

_PREFIX = "LAKELINE_SERVE_WEBHOOK_"
_SHORTEST = 16


class HintSettings(BaseSettings):
    """The secrets that MLflow signs its webhooks with, in a variable or a file, separated by spaces.

    Several at once let a secret be changed without a gap; where there is none, no hint is heard.
    """

    model_config = SettingsConfigDict(frozen=True, env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore")

    secret: SecretStr = SecretStr("")
    secret_file: Path | None = None

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named."""
        try:
            return cls()
        except ValidationError as error:
            raise bad_setting(error, _PREFIX) from error

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """What a hint may be signed with."""
        found = self.secret.get_secret_value().split() + self._in_file()
        if any(len(secret) < _SHORTEST for secret in found):
            wanted = f"wanted secrets of at least {_SHORTEST} characters, which nobody can guess"
            raise BadSetting(f"{_PREFIX}SECRET", "a shorter one", wanted)
        return tuple(secret.encode() for secret in found)

    def _in_file(self) -> list[str]:
        if self.secret_file is None:
            return []
        try:
            return self.secret_file.read_text(encoding="utf-8").split()
        except (OSError, ValueError) as error:
            raise BadSetting(f"{_PREFIX}SECRET_FILE", str(self.secret_file), f"cannot be read: {error}") from error
