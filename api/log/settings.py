"""What is logged of predictions, how safely, and how much may wait on the disk; from the environment."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.errors import BadSetting
from lakehouse.settings import bad_setting

Sync = Literal["every", "second", "off"]
_PREFIX = "LAKELINE_LOG_"
_SHORTEST_KEY = 16


class LogSettings(BaseSettings):
    """The settings of the prediction log: `LAKELINE_LOG_SYNC` sets `sync`, and so on; `LAKELINE_LOG_PREDICTIONS=off` is none.

    `sync` says what a kill or a power cut may take: with "every" nothing that was recorded, with "second" what was recorded
    in the last second, with "off" what the system had not written yet. `hashed` and `left_out` are names of features,
    separated by commas, and one that not every model takes has a question mark behind it; `hash_key` is the secret without
    which a hashed value cannot be guessed. `flush_seconds` lie between two commits while much is predicted, and up to
    `flush_idle_seconds` while little is.
    """

    model_config = SettingsConfigDict(frozen=True, env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore")

    predictions: bool = True
    sync: Sync = "second"
    flush_seconds: float = Field(default=5.0, gt=0, le=3600, allow_inf_nan=False)
    flush_idle_seconds: float = Field(default=60.0, gt=0, le=86400, allow_inf_nan=False)
    flush_rows: int = Field(default=50_000, ge=1)
    spool_bytes: int = Field(default=1 << 30, ge=1 << 16)
    hashed: str = ""
    hash_key: SecretStr | None = None
    left_out: str = ""
    home: Path = Field(default=Path(".lakeline"), validation_alias="LAKELINE_HOME")

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named."""
        try:
            settings = cls()
        except ValidationError as error:
            raise bad_setting(error, _PREFIX) from error
        if settings.hashed_names and len(settings.key) < _SHORTEST_KEY:
            wanted = f"wanted LAKELINE_LOG_HASH_KEY beside it, a secret of {_SHORTEST_KEY} characters or more"
            raise BadSetting("LAKELINE_LOG_HASHED", settings.hashed, wanted)
        if both := settings.hashed_names & settings.left_out_names:
            raise BadSetting("LAKELINE_LOG_LEFT_OUT", sorted(both)[0], "it is named in LAKELINE_LOG_HASHED as well")
        return settings

    @property
    def folder(self) -> Path:
        """Where predictions wait for the lake."""
        return self.home.absolute() / "serving" / "prediction_log"

    @property
    def hashed_names(self) -> frozenset[str]:
        """The features of which only a keyed hash is logged."""
        return _hidden(self.hashed)

    @property
    def left_out_names(self) -> frozenset[str]:
        """The features of which nothing is logged."""
        return _hidden(self.left_out)

    @property
    def names_of_every_model(self) -> frozenset[str]:
        """The features that are to be hidden and that every model is said to take."""
        return frozenset(name for name in _names(self.hashed) | _names(self.left_out) if not name.endswith("?"))

    @property
    def key(self) -> bytes:
        """The secret of the hashes."""
        return b"" if self.hash_key is None else self.hash_key.get_secret_value().encode()


def _hidden(text: str) -> frozenset[str]:
    """The names without their question marks, and with them, for that may be a feature's name as well."""
    names = _names(text)
    return names | {name.removesuffix("?").strip() for name in names}


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",")) - {""}
