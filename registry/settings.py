"""Where MLflow is and how to reach it, from the environment."""

import re
from pathlib import Path
from typing import Self

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.settings import bad_setting


class RegistrySettings(BaseSettings):
    """The registry's settings; each name is the one that MLflow uses.

    `LAKELINE_MLFLOW_PAGES` is the address of a server that shows a store which is none itself.
    """

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    lakeline_home: Path = Path(".lakeline")
    lakeline_mirror_stages: bool = False
    lakeline_mlflow_pages: str | None = None
    mlflow_experiment_name: str = "lakeline"
    mlflow_tracking_uri: str | None = None
    mlflow_tracking_token: SecretStr | None = None
    mlflow_tracking_username: str | None = None
    mlflow_tracking_password: SecretStr | None = None
    mlflow_tracking_insecure_tls: bool = False
    mlflow_tracking_server_cert_path: Path | None = None

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named."""
        try:
            return cls()
        except ValidationError as error:
            raise bad_setting(error) from error

    @property
    def home(self) -> Path:
        """The folder of all local state."""
        return self.lakeline_home.absolute()

    @property
    def tracking_uri(self) -> str:
        """The tracking store, as MLflow spells it: a server's address, or a database of this machine."""
        return (self.mlflow_tracking_uri or f"sqlite:///{self.home / 'mlflow.db'}").rstrip("/")

    @property
    def is_server(self) -> bool:
        """Whether a server is asked over HTTP."""
        return self.tracking_uri.startswith(("http://", "https://"))

    @property
    def database(self) -> Path | None:
        """The file of an SQLite store; None where the store is something else."""
        found = re.fullmatch(r"sqlite(?:\+pysqlite)?:///([^?]+)(?:\?.*)?", self.tracking_uri)
        return Path(found[1]).absolute() if found else None

    @property
    def address(self) -> str:
        """The tracking store as a message may show it, without a password."""
        return re.sub(r"://[^/@]*@", "://", self.tracking_uri)

    @property
    def artifacts(self) -> Path:
        """Where a local store keeps the models' files."""
        return self.home / "mlartifacts"

    @property
    def experiment(self) -> str:
        """The experiment in which each training is a run."""
        return self.mlflow_experiment_name

    @property
    def mirror_stages(self) -> bool:
        """Whether MLflow's old stages are kept in step with the aliases."""
        return self.lakeline_mirror_stages
