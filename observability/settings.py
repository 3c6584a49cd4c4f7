"""Where measurements are pushed to, from the environment."""

import re
from typing import Self
from urllib.parse import urlsplit

from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.errors import BadSetting


class ObservabilitySettings(BaseSettings):
    """`PUSHGATEWAY_URL`: the Prometheus Pushgateway, as `http://host:9091`; unset, nothing is pushed."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    pushgateway_url: str | None = None

    @classmethod
    def from_env(cls) -> Self:
        """The settings of this process; a wrong one is named."""
        settings = cls()
        if settings.gateway is not None and not _is_address(settings.gateway):
            wanted = "wanted the address of a Pushgateway, as http://host:9091"
            raise BadSetting("PUSHGATEWAY_URL", without_password(str(settings.pushgateway_url)), wanted)
        return settings

    @property
    def gateway(self) -> str | None:
        """The Pushgateway's address; one that says no protocol is asked by HTTP."""
        url = self.pushgateway_url
        return url if url is None or "://" in url else f"http://{url}"


def without_password(address: str) -> str:
    """An address as a message may show it.

    >>> without_password("https://ann:secret@gateway:9091")
    'https://gateway:9091'
    """
    return re.sub(r"://[^/@]*@", "://", address)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
