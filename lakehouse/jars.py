"""The jars that Spark needs beside its own: a closed list, downloaded once by Apache Ivy and verified.

`python -m lakehouse.jars` fetches those of this lake.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from lakehouse import java, maven
from lakehouse.errors import JarsMissing
from lakehouse.settings import LakeSettings
from lakehouse.spark_command import spark_home

_DOWNLOAD_SECONDS = 900
_INCOMING = ".incoming-"
_FAULT = re.compile("exception|refused|server access|client error|server error", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One file of the Maven world."""

    group: str
    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """The name under which it is kept."""
        return f"{self.name}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Where a Maven repository keeps it."""
        return "/".join((*self.group.split("."), self.name, self.version, self.file))


def wanted(*, s3: bool) -> tuple[Jar, ...]:
    """The closed list; a lake on S3 needs more."""
    told = tomllib.loads((Path(__file__).parent / "jars.toml").read_text())
    rows = {**told["delta"], **(told["s3"] if s3 else {})}
    split = ((*coordinate.split(":"), sha256) for coordinate, sha256 in rows.items())
    return tuple(Jar(group=group, name=name, version=version, sha256=sha256) for group, name, version, sha256 in split)


def paths(settings: LakeSettings) -> tuple[Path, ...]:
    """Where the jars of this lake are, or will be."""
    return tuple(settings.jars / jar.file for jar in wanted(s3=settings.root.is_s3))


def ensure(settings: LakeSettings, report: Callable[[str], None]) -> tuple[Path, ...]:
    """The jars of this lake; what is missing is downloaded, what is there asks no network."""
    folder, jars = settings.jars, wanted(s3=settings.root.is_s3)
    if _missing(folder, jars):
        with _locked(folder):
            missing = _missing(folder, jars)
            if missing:
                report(f"downloading {len(missing)} Spark jars by Maven coordinates into {folder} ...")
                _download(folder, missing)
    return paths(settings)


def _missing(folder: Path, jars: Iterable[Jar]) -> tuple[Jar, ...]:
    return tuple(jar for jar in jars if not (folder / jar.file).is_file())


def _download(folder: Path, jars: tuple[Jar, ...]) -> None:
    """Fetches into a folder aside; only a file that is whole and has the right sum gets its name."""
    for left in folder.glob(f"{_INCOMING}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=folder) as name:
        incoming = Path(name)
        said = _ivy(incoming, jars)
        lacking = tuple(jar for jar in jars if not (incoming / jar.file).is_file())
        if lacking:
            raise _fault(lacking, said)
        for jar in jars:
            found = hashlib.sha256((incoming / jar.file).read_bytes()).hexdigest()
            if found != jar.sha256:
                raise JarsMissing(jar.file, f"its SHA-256 is {found}, wanted {jar.sha256}")
        for jar in jars:
            (incoming / jar.file).replace(folder / jar.file)


def _ivy(incoming: Path, jars: tuple[Jar, ...]) -> tuple[str, ...]:
    """Runs the Ivy that Spark brings, which knows Maven Central by itself; what it said."""
    machine = maven.from_machine()
    (incoming / "settings.xml").write_text(_ivy_settings(incoming, machine, jars[0]))
    (incoming / "ivy.xml").write_text(_ivy_module(jars))
    options = (*java.trust_options(incoming), *machine.java_options)
    # An argument file, as a proxy's password on the command line could be read by everybody.
    escaped = (re.sub(r'(["\\])', r"\\\1", option) for option in options)
    (incoming / "options").write_text("\n".join(f'"{option}"' for option in escaped))
    ivy = next(spark_home().glob("jars/ivy-*.jar"))
    command: list[str | Path] = [java.find().executable, f"@{incoming / 'options'}", "-cp", ivy]
    command += ["org.apache.ivy.Main", "-verbose"]
    command += ["-settings", incoming / "settings.xml", "-ivy", incoming / "ivy.xml"]
    command += ["-retrieve", f"{incoming}/[artifact]-[revision].[ext]"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise JarsMissing(jars[0].file, f"no end after {_DOWNLOAD_SECONDS} s") from error
    return tuple(line.strip() for line in (run.stdout + run.stderr).splitlines() if line.strip())


def _fault(lacking: tuple[Jar, ...], said: tuple[str, ...]) -> JarsMissing:
    """What went wrong; Ivy brings no jar at all where it found one at fault."""
    faults = [line for line in said if _FAULT.search(line) and not line.endswith((".sha1", ".md5"))]
    told = [(jar.file, line) for line in faults for jar in lacking if jar.file in line]
    rest = (lacking[0].file, (*faults, *said, "Ivy said nothing")[0])
    return JarsMissing(*(*told, rest)[0])


def _ivy_settings(incoming: Path, machine: maven.Machine, jar: Jar) -> str:
    root = f" root={quoteattr(machine.mirror)}" if machine.mirror else ""
    asked = f"{machine.mirror.rstrip('/')}/{jar.path}" if machine.mirror and machine.credentials else None
    realm = maven.realm_of(asked) if asked else ""
    rows = (
        f"<credentials realm={quoteattr(realm)} host={quoteattr(each.host)} username={quoteattr(each.user)}"
        f" passwd={quoteattr(each.password)}/>"
        for each in machine.credentials
    )
    return (
        '<ivysettings><settings defaultResolver="central"/>'
        f"<caches defaultCacheDir={quoteattr(str(incoming / 'cache'))}/>{''.join(rows)}"
        f'<resolvers><ibiblio name="central" m2compatible="true" usepoms="false"{root}/></resolvers></ivysettings>'
    )


def _ivy_module(jars: tuple[Jar, ...]) -> str:
    rows = (
        f'<dependency org="{jar.group}" name="{jar.name}" rev="{jar.version}" transitive="false" conf="default->*"/>'
        for jar in jars
    )
    return (
        '<ivy-module version="2.0"><info organisation="lakeline" module="jars"/>'
        f"<configurations><conf name='default'/></configurations><dependencies>{''.join(rows)}</dependencies></ivy-module>"
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Fetches the jars of the lake that the environment names."""
    folder = Path(os.path.commonpath(ensure(LakeSettings.from_env(), print)))
    print(f"Spark's jars are in {folder}")


if __name__ == "__main__":
    main()
