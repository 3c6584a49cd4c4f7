"""The process of a local Spark server: known again by what it is, and ended with all that it started."""

import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from lakehouse.spark_command import MAIN_CLASS

_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkServer:
    """A server that was started; `started_at` is the time at which the process was created."""

    pid: int
    port: int
    token: str = field(repr=False)
    lake: str
    started_at: float
    log: str
    fingerprint: str

    @property
    def remote(self) -> str:
        """The address for a client; pyspark sends a token without TLS only to a host spelled `localhost`."""
        return f"sc://localhost:{self.port}/;token={self.token}"


def process_of(server: SparkServer) -> psutil.Process | None:
    """The server's process; None where it has ended, even if its number was given to another since."""
    with suppress(psutil.Error):
        process = psutil.Process(server.pid)
        # Linux derives the time from a clock that may be set anew, so that it alone is no proof.
        near = abs(process.create_time() - server.started_at) < 3600
        words = process.cmdline()
        if near and MAIN_CLASS in words and f"-Dspark.connect.grpc.binding.port={server.port}" in words:
            return process
    return None


def end(server: SparkServer) -> bool:
    """Ends the server and its children and waits until they are gone; False where it had ended before."""
    process = process_of(server)
    if process is None:
        return False
    family = [process]
    with suppress(psutil.Error):
        family = [*process.children(recursive=True), process]
    for member in family:
        with suppress(psutil.Error):
            member.terminate()
    for member in _left(family):
        with suppress(psutil.Error):
            member.kill()
    _left(family)
    return True


def _left(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended after a while; a zombie has, though whoever started it has not noticed yet."""
    deadline = time.monotonic() + _STOP_SECONDS
    left = [member for member in family if _lives(member)]
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        left = [member for member in left if _lives(member)]
    return left


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def listens(server: SparkServer) -> bool:
    """Whether it is this very process that listens, and not another that took the port."""
    with suppress(psutil.Error):
        found = psutil.Process(server.pid).net_connections("tcp")
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == server.port for each in found)
    return False
