"""Who may ask the server, how often, and by which certificates; from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.errors import BadSetting
from lakehouse.settings import bad_setting

_PREFIX = "LAKELINE_SERVE_"
_SHORTEST_TOKEN = 16


class DoorSettings(BaseSettings):
    """The settings of the door: `LAKELINE_SERVE_TOKENS` sets `tokens`, and so on; without any, everybody may ask.

    `tokens` are those for predictions and `admin_tokens` those for operators, separated by commas; a file of them has one
    a line. `rate` is the number of requests that one sender may send in a second, over all workers, and `burst` how many
    of them at once; 0 is no limit.
    """

    model_config = SettingsConfigDict(frozen=True, env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore")

    tokens: SecretStr = SecretStr("")
    tokens_file: Path | None = None
    admin_tokens: SecretStr = SecretStr("")
    admin_tokens_file: Path | None = None
    metrics_open: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    rate: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    burst: int = Field(default=0, ge=0)

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named, and a secret is not shown."""
        try:
            settings = cls()
        except ValidationError as error:
            raise bad_setting(error, _PREFIX) from error
        _check_tls(settings)
        return settings

    @property
    def is_guarded(self) -> bool:
        """Whether not everybody may ask for a prediction."""
        return bool(self.tokens.get_secret_value() or self.tokens_file or self.tls_client_ca)

    @property
    def is_tls(self) -> bool:
        """Whether the server speaks TLS."""
        return self.tls_cert is not None

    @property
    def burst_size(self) -> int:
        """How many requests one sender may send at once: those of a second, where nothing is said."""
        return self.burst or max(1, round(self.rate))


def tokens_in(text: str, setting: str, separator: str | None = ",") -> tuple[str, ...]:
    """The tokens of a text; without a separator, one a line."""
    parts = text.splitlines() if separator is None else text.split(separator)
    tokens = tuple(token for part in parts if (token := part.strip()) and not token.startswith("#"))
    for token in tokens:
        if len(token) < _SHORTEST_TOKEN or not token.isascii() or any(sign.isspace() for sign in token):
            wanted = f"wanted {_SHORTEST_TOKEN} ASCII characters or more, without spaces"
            raise BadSetting(setting, f"a token of {len(token)} characters", wanted)
    return tokens


def _check_tls(settings: DoorSettings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        lacks, has = ("KEY", "CERT") if settings.tls_key is None else ("CERT", "KEY")
        raise BadSetting(f"{_PREFIX}TLS_{lacks}", "", f"wanted beside {_PREFIX}TLS_{has}")
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        wanted = f"wanted {_PREFIX}TLS_CERT and {_PREFIX}TLS_KEY beside it"
        raise BadSetting(f"{_PREFIX}TLS_CLIENT_CA", str(settings.tls_client_ca), wanted)
