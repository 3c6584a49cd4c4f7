"""One local Spark Connect server for the lake: started on first use, found again by later commands, stopped by hand."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from lakehouse import jars, java, spark_archive
from lakehouse.errors import SparkUnreachable, StoreUnreachable
from lakehouse.settings import LakeSettings
from lakehouse.spark_command import MAIN_CLASS, environment, files, fingerprint, options, prepare
from lakehouse.spark_process import SparkServer, end, listens, process_of

DEFAULT_PORT = 15002  # of Spark Connect, where an address names none
_START_SECONDS = 180.0
_ANSWER_SECONDS = 2.0
_POLL_SECONDS = 0.05
_LOG_LINES = 12

Report = Callable[[str], None]


def ensure(settings: LakeSettings, report: Report) -> str:
    """The address of the lake's Spark: SPARK_REMOTE where it is set, else a local server, found or started."""
    if settings.spark_remote is not None:
        return settings.spark_remote
    found = find(settings)
    if found is not None and found.fingerprint == fingerprint(settings, jars.paths(settings)):
        return found.remote
    return start(settings, report).remote


def find(settings: LakeSettings) -> SparkServer | None:
    """The local server that runs and answers; None where there is none."""
    server = _recorded(settings)
    if server is None:
        return None
    if process_of(server) is None:
        files(settings).state.unlink(missing_ok=True)
        return None
    return server if answers(server.port) else None


def process(settings: LakeSettings) -> psutil.Process | None:
    """The process of the local server, whether it answers yet or not; None where there is none."""
    server = _recorded(settings)
    return None if server is None else process_of(server)


def start(
    settings: LakeSettings, report: Report, *, port: int | None = None, java_options: tuple[str, ...] | None = None
) -> SparkServer:
    """The local server, started unless it runs with these settings already; of two that race, one starts it.

    `port` is where a new one listens; a server that runs stays where it is. `java_options` stand in place of those that read
    the archive of Spark's classes.
    """
    spark_jars = jars.ensure(settings, report)
    wanted = fingerprint(settings, spark_jars)
    with _told(settings), _locked(settings, report):
        found = find(settings)
        if found is not None and found.fingerprint == wanted:
            return found
        left = _recorded(settings)
        if left is not None:
            report("stopping a Spark server that was started with other settings or no longer answers ...")
            end(left)
        report("starting Spark (about 5 s) ...")
        return _started(settings, spark_jars, wanted, port, java_options)


def stop(settings: LakeSettings) -> SparkServer | None:
    """The local server that was stopped, with every process it started; None where none ran."""
    if not files(settings).state.parent.is_dir():
        return None
    with _told(settings), _locked(settings, lambda line: None):
        server = _recorded(settings)
        ran = server is not None and end(server)
        files(settings).state.unlink(missing_ok=True)
        return server if ran else None


def stop_all(settings: LakeSettings) -> tuple[SparkServer, ...]:
    """Every local server that was started from this home folder, whatever its lake, and was stopped now."""
    folder = files(settings).state.parent
    recorded = [_read(state) for state in sorted(folder.glob("*.json"))]
    lakes = [settings.model_copy(update={"lake_root": server.lake}) for server in recorded if server is not None]
    return tuple(stopped for lake in lakes if (stopped := stop(lake)) is not None)


def address_of(remote: str) -> tuple[str, int]:
    """The host and port of a Spark Connect address.

    >>> address_of("sc://spark.example:15002/;token=x")
    ('spark.example', 15002)
    """
    parts = urlsplit(remote)
    return parts.hostname or "", parts.port or DEFAULT_PORT


def _started(
    settings: LakeSettings,
    spark_jars: tuple[Path, ...],
    wanted: str,
    given: int | None,
    java_options: tuple[str, ...] | None,
) -> SparkServer:
    """A new server that answers; whatever happens meanwhile, no half-started one is left behind."""
    prepare(settings)
    token, port, places = secrets.token_urlsafe(24), given or _free_port(), files(settings)
    found = java.find()
    trust = java.trust_options(places.work) if settings.root.is_s3 else ()
    more = spark_archive.reading(spark_archive.place(found, spark_jars)) if java_options is None else java_options
    where = f"-Dspark.connect.grpc.binding.port={port}"
    arguments = (*trust, *more, *options(settings, spark_jars), where, MAIN_CLASS)
    environ = environment(settings, token, os.environ, sys.executable)
    with places.log.open("wb") as log:
        process = subprocess.Popen(
            [found.executable, *arguments],
            env=environ | {"JAVA_HOME": str(found.home)},
            cwd=places.work,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = SparkServer(
        pid=process.pid,
        port=port,
        token=token,
        lake=settings.root.uri,
        started_at=0.0,
        log=str(places.log),
        fingerprint=wanted,
    )
    try:
        server = replace(server, started_at=psutil.Process(process.pid).create_time())
        _record(settings, server)
        _await(process, server)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        places.state.unlink(missing_ok=True)
        raise
    return server


def _await(process: "subprocess.Popen[bytes]", server: SparkServer) -> None:
    import_module("pyspark.sql.connect.session")  # the client needs it next, and its import takes as long as the start
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SparkUnreachable(server.remote.split(";")[0], f"it ended while it started:\n{_last_lines(server)}")
        if listens(server):
            return
        time.sleep(_POLL_SECONDS)
    raise SparkUnreachable(server.remote.split(";")[0], f"no answer for {_START_SECONDS:.0f} s:\n{_last_lines(server)}")


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether anything listens there."""
    try:
        with socket.create_connection((host, port), timeout=_ANSWER_SECONDS):
            return True
    except OSError:
        return False


def _recorded(settings: LakeSettings) -> SparkServer | None:
    return _read(files(settings).state)


def _read(state: Path) -> SparkServer | None:
    try:
        return SparkServer(**json.loads(state.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _record(settings: LakeSettings, server: SparkServer) -> None:
    state = files(settings).state
    fresh = state.with_suffix(f".{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(server), file)
    fresh.replace(state)


@contextmanager
def _told(settings: LakeSettings) -> Iterator[None]:
    """A disk that is full or may not be written to, in our words, so that it fails what needs Spark and nothing else."""
    try:
        yield
    except OSError as error:
        raise StoreUnreachable(str(error.filename or settings.home), error.strerror or str(error)) from error


@contextmanager
def _locked(settings: LakeSettings, report: Report) -> Iterator[None]:
    """Holds the lock of this lake's server; the system lets go of it where this process dies."""
    lock = files(settings).lock
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another command that starts or stops Spark ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _last_lines(server: SparkServer) -> str:
    with suppress(OSError):
        lines = Path(server.log).read_text(errors="replace").splitlines()
        told = [line for line in lines if line.strip() and not line.lstrip().startswith(("at ", "... "))]
        return "\n".join((*told[-_LOG_LINES:], f"(all of it: {server.log})"))
    return f"(no log at {server.log})"
