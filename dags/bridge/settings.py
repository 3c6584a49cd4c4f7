"""How Airflow's side goes about its work, from the environment."""

from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.settings import bad_setting


class BridgeSettings(BaseSettings):
    """`LAKELINE_WATCH_SECONDS`: how often the landing folder and the tables of others are looked at."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    lakeline_watch_seconds: float = Field(default=30, ge=1, le=86_400)

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named."""
        try:
            return cls()
        except ValidationError as error:
            raise bad_setting(error) from error
