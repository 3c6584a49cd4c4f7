"""The server's certificate, and whose certificates its clients must show."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from api.door.settings import DoorSettings
from lakehouse.errors import BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """The files of a server that speaks TLS; with `client_ca`, a client without a certificate of it is not heard."""

    cert: Path
    key: Path
    client_ca: Path | None

    @classmethod
    def of(cls, settings: DoorSettings) -> "Certificates | None":
        """Those of the settings, None where the server speaks plainly; files that cannot be used are named."""
        if settings.tls_cert is None or settings.tls_key is None:
            return None
        found = cls(cert=settings.tls_cert, key=settings.tls_key, client_ca=settings.tls_client_ca)
        found.check()
        return found

    @property
    def clients(self) -> ssl.VerifyMode:
        """Whether a client must show a certificate."""
        return ssl.CERT_NONE if self.client_ca is None else ssl.CERT_REQUIRED

    def check(self) -> None:
        """Raises what is wrong with the files, before a process is started that would die of it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # An encrypted key would ask at the terminal.
            context.load_cert_chain(self.cert, self.key, password="")
        except OSError as error:
            wanted = f"wanted a certificate, and its key without a password in LAKELINE_SERVE_TLS_KEY: {_why(error)}"
            raise BadSetting("LAKELINE_SERVE_TLS_CERT", str(self.cert), wanted) from error
        if self.client_ca is None:
            return
        try:
            context.load_verify_locations(self.client_ca)
        except OSError as error:
            wanted = f"wanted a file of certificates: {_why(error)}"
            raise BadSetting("LAKELINE_SERVE_TLS_CLIENT_CA", str(self.client_ca), wanted) from error


def _why(error: OSError) -> str:
    return str(error.strerror or error).lower()
