"""Where the lake is and how to reach it, from the environment."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.errors import BadSetting
from lakehouse.table import Location


class LakeSettings(BaseSettings):
    """The lake's settings; each name is the one its ecosystem already uses."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    lakeline_home: Path = Path(".lakeline")
    lake_root: str | None = None
    landing_root: Path | None = None
    lakeline_jars: Path | None = None
    spark_remote: str | None = Field(default=None, repr=False)  # a token may be part of it
    spark_driver_memory: str = Field(default="2g", pattern=r"^[1-9][0-9]*[kmgt]$")
    aws_endpoint_url: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_region: str = "us-east-1"

    @classmethod
    def from_env(cls, given: Mapping[str, str] | None = None) -> Self:
        """The settings of this process; a wrong one is named. What is given counts more than the environment."""
        try:
            settings = cls(**dict(given or {}))  # type: ignore[arg-type]
        except ValidationError as error:
            raise bad_setting(error) from error
        if settings.spark_remote is not None and not _is_address(settings.spark_remote):
            shown = settings.spark_remote.split(";")[0]
            raise BadSetting("SPARK_REMOTE", shown, "wanted the address of a server, as sc://host:15002")
        if settings.lake_root and "://" in settings.lake_root and not settings.root.is_s3:
            raise BadSetting("LAKE_ROOT", settings.lake_root, "wanted a folder or s3://bucket/prefix")
        if "%" in settings.root.uri:
            raise BadSetting(
                "LAKE_ROOT", settings.root.uri, "wanted a path without '%', which the readers of Delta decode"
            )
        return settings

    @property
    def home(self) -> Path:
        """The folder of all local state."""
        return self.lakeline_home.absolute()

    @property
    def root(self) -> Location:
        """The folder that holds `<layer>/<name>` of every table."""
        if self.lake_root is None:
            return Location(uri=str(self.home / "lake"))
        if "://" in self.lake_root:
            return Location(uri=self.lake_root.rstrip("/"))
        return Location(uri=str(Path(self.lake_root).absolute()))

    def located(self, address: str) -> Location:
        """Where an address leads: to itself where it is whole, else below the root."""
        return Location(uri=address) if "://" in address or address.startswith("/") else self.root.child(address)

    @property
    def landing(self) -> Path:
        """The folder for files from outside: beside the lake, or in the home folder where the lake is on S3."""
        if self.landing_root is not None:
            return self.landing_root.absolute()
        return self.home / "landing" if self.root.is_s3 else Path(self.root.uri).parent / "landing"

    @property
    def jars(self) -> Path:
        """The folder in which Spark's jars are kept: the home's own, or the one that was set up beside the environment."""
        if self.lakeline_jars is not None:
            return self.lakeline_jars.absolute()
        beside = Path(sys.prefix).parent / "jars"
        own = self.home / "jars"
        return beside if beside.is_dir() and not own.is_dir() else own


def _is_address(remote: str) -> bool:
    try:
        parts = urlsplit(remote)
        return parts.scheme == "sc" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def bad_setting(error: ValidationError, prefix: str = "") -> BadSetting:
    """What is wrong, with the first setting named as its environment variable: `prefix` and the field, or its own name."""
    first = error.errors()[0]
    place = str(first["loc"][0])
    name = place if place.isupper() else f"{prefix}{place.upper()}"
    return BadSetting(name, str(first["input"]), first["msg"].lower())
