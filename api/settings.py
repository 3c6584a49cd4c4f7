"""What is served, where, and how often the registry is asked; from the environment."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.settings import bad_setting


class ApiSettings(BaseSettings):
    """The settings of the API: `LAKELINE_SERVE_PORT` sets `serve_port`, and so on."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="LAKELINE_", env_ignore_empty=True, extra="ignore")

    home: Path = Path(".lakeline")
    serve_host: str = "127.0.0.1"
    serve_port: int = Field(default=8001, ge=0, le=65535)
    serve_model: str = Field(default="iris_xgboost_classifier", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    serve_alias: str = Field(default="production", pattern=r"^[A-Za-z0-9_-]+$")
    serve_poll_seconds: float = Field(default=2.0, gt=0, le=3600, allow_inf_nan=False)
    serve_fetch_seconds: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    serve_drain_seconds: float = Field(default=1.0, ge=0, le=600, allow_inf_nan=False)
    serve_body_limit: int = Field(default=65_536, ge=1)
    serve_rows_limit: int = Field(default=67_108_864, ge=1)
    serve_batch: bool = True
    log_format: Literal["text", "json"] = "text"

    @classmethod
    def from_env(cls, **given: object) -> Self:
        """The settings of this process, except for what is given; a wrong one is named."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValidationError as error:
            raise bad_setting(error, "LAKELINE_") from error

    @property
    def folder(self) -> Path:
        """Where the fetched versions of the served model are kept."""
        return self.home.absolute() / "serving" / self.serve_model
