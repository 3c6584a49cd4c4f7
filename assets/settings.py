"""Which definitions are loaded, from the environment."""

from typing import Self

from pydantic_settings import BaseSettings, SettingsConfigDict

SHIPPED = "assets.definitions"


class DefinitionSettings(BaseSettings):
    """`LAKELINE_DEFINITIONS`: modules of definitions, separated by commas; they stand in place of the shipped example."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    lakeline_definitions: str = SHIPPED

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process."""
        return cls()

    @property
    def modules(self) -> tuple[str, ...]:
        """The names of the modules."""
        return tuple(name.strip() for name in self.lakeline_definitions.split(",") if name.strip())
