"""Which definitions are loaded, how a run goes about them and how often is looked, from the environment."""

from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.settings import bad_setting

SHIPPED = "assets.definitions"
JOBS = 2
"""How many assets are made at once, where nobody says so."""


class WatchSettings(BaseSettings):
    """`LAKELINE_WATCH_SECONDS`: how often Airflow looks at the landing folder and at the tables of others."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    lakeline_watch_seconds: float = Field(default=30, ge=1, le=86_400)

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named."""
        try:
            return cls()
        except ValidationError as error:
            raise bad_setting(error) from error


class DefinitionSettings(BaseSettings):
    """`LAKELINE_DEFINITIONS`: modules of definitions, separated by commas; they stand in place of the shipped example.

    `LAKELINE_JOBS`: how many assets a run makes at once.
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    lakeline_definitions: str = SHIPPED
    lakeline_jobs: int = Field(default=JOBS, ge=1)

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named."""
        try:
            return cls()
        except ValidationError as error:
            raise bad_setting(error) from error

    @property
    def modules(self) -> tuple[str, ...]:
        """The names of the modules."""
        return tuple(name.strip() for name in self.lakeline_definitions.split(",") if name.strip())
