"""Java's archive of Spark's classes: with one, a server starts, and makes its first commit, in half the time."""

import hashlib
import json
from pathlib import Path

from lakehouse.java import Java
from lakehouse.spark_command import class_path


def place(java: Java, jars: tuple[Path, ...]) -> Path:
    """Where the archive is that fits this Java and these jars, beside the jars; Java refuses any other."""
    executable = java.executable.resolve()
    told = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in (executable, *class_path(jars))]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
    return jars[0].parent / f"classes-{digest}.jsa"


def reading(archive: Path) -> tuple[str, ...]:
    """Java's options that use an archive; none where there is none."""
    return (f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", "-Xlog:cds*=off") if archive.is_file() else ()


def recording(archive: Path) -> tuple[str, ...]:
    """Java's options that write an archive of what was loaded, when it ends in order."""
    return (f"-XX:ArchiveClassesAtExit={archive}", "-Xlog:cds*=off")
