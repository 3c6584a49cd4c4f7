"""What is served, where, and how often the registry is asked; from the environment."""

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.settings import bad_setting


def _share(told: object) -> float:
    """A share as people write it, `10%`, or as a number from 0 to 1; `on` is all of it."""
    text = str(told).strip().lower()
    try:
        found = 1.0 if text in ("on", "true") else float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = math.nan
    if not 0 <= found <= 1:
        raise PydanticCustomError("share", "wanted a share such as 10%, or a number from 0 to 1")
    return found


Share = Annotated[float, BeforeValidator(_share)]


class ApiSettings(BaseSettings):
    """The settings of the API: `LAKELINE_SERVE_PORT` sets `serve_port`, and so on."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="LAKELINE_", env_ignore_empty=True, extra="ignore")

    home: Path = Path(".lakeline")
    serve_host: str = "127.0.0.1"
    serve_port: int = Field(default=8001, ge=0, le=65535)
    serve_model: str = Field(default="iris_xgboost_classifier", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    serve_alias: str = Field(default="production", pattern=r"^[A-Za-z0-9_-]+$")
    serve_workers: int = Field(default=1, ge=1, le=256)
    serve_poll_seconds: float = Field(default=1.0, gt=0, le=3600, allow_inf_nan=False)
    serve_fetch_seconds: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    serve_drain_seconds: float = Field(default=1.0, ge=0, le=600, allow_inf_nan=False)
    serve_body_limit: int = Field(default=65_536, ge=1)
    serve_rows_limit: int = Field(default=67_108_864, ge=1)
    serve_batch: bool = True
    serve_canary: Share = 0.0
    serve_canary_alias: str = Field(default="staging", pattern=r"^[A-Za-z0-9_-]+$")
    serve_canary_failures: Share = 0.02
    serve_canary_slower: float = Field(default=3.0, ge=1, allow_inf_nan=False)
    serve_canary_requests: int = Field(default=100, ge=1)
    serve_shadow: Share = 0.0
    serve_canary_header: str = Field(default="x-request-key", pattern=r"^[a-z0-9-]+$")
    log_format: Literal["text", "json"] = "text"
    access_log: bool = False

    @classmethod
    def from_env(cls, **given: object) -> Self:
        """The settings of this process, except for what is given; a wrong one is named."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValidationError as error:
            raise bad_setting(error, "LAKELINE_") from error

    @property
    def environment(self) -> dict[str, str]:
        """The variables that give another process the same settings."""
        return {f"LAKELINE_{name.upper()}": str(value) for name, value in self.model_dump().items()}

    @property
    def aliases(self) -> tuple[str, ...]:
        """What is followed in the registry: the alias that serves, and the one before it.

        A version of that one takes a share where a canary is wanted; and it is here when it is promoted.
        """
        return tuple(dict.fromkeys((self.serve_alias, self.serve_canary_alias)))

    def placed(self, alias: str) -> Path:
        """The file that tells the workers which version to serve under an alias."""
        return self.folder / f"placed-{alias}.json"

    @property
    def folder(self) -> Path:
        """Where the fetched versions of the served model are kept."""
        return self.home.absolute() / "serving" / self.serve_model

    @property
    def runs(self) -> Path:
        """Where each server that runs keeps what its processes tell each other."""
        return self.home.absolute() / "serving" / ".runs"
