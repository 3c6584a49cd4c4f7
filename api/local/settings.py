"""Where the local platform listens and how long it waits; from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.settings import bad_setting

AIRFLOWS_PORT = "AIRFLOW__API__PORT"


class UpSettings(BaseSettings):
    """The settings of `lakeline up`: `LAKELINE_UP_MLFLOW_PORT` sets `up_mlflow_port`, and so on.

    Airflow's port may also be given by its own name, which counts more. The port of the API is `LAKELINE_SERVE_PORT`, as ever.
    """

    model_config = SettingsConfigDict(
        frozen=True, env_prefix="LAKELINE_", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    home: Path = Path(".lakeline")
    up_airflow_port: int = Field(default=8080, ge=1, le=65535)
    airflows_own_port: int | None = Field(default=None, ge=1, le=65535, validation_alias=AIRFLOWS_PORT)
    up_mlflow_port: int = Field(default=5000, ge=1, le=65535)
    up_spark_port: int = Field(default=15002, ge=1, le=65535)
    up_ready_seconds: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    up_drain_seconds: float = Field(default=120.0, ge=0, allow_inf_nan=False)

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named."""
        try:
            return cls()
        except ValidationError as error:
            raise bad_setting(error, "LAKELINE_") from error

    @property
    def airflow_port(self) -> int:
        """Where Airflow listens."""
        return self.up_airflow_port if self.airflows_own_port is None else self.airflows_own_port

    @property
    def airflow_port_setting(self) -> str:
        """The variable that says where Airflow listens, or may say it."""
        return "LAKELINE_UP_AIRFLOW_PORT" if self.airflows_own_port is None else AIRFLOWS_PORT

    @property
    def folder(self) -> Path:
        """Where it is kept what runs, and the logs of all that runs."""
        return self.home.absolute() / "up"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: its database, its credentials, the logs of its tasks."""
        return self.home.absolute() / "airflow"
