"""Whether the ports that are wanted are free, and who holds those that are not."""

import errno
import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from api.local.errors import PortsTaken
from lakehouse.errors import BadSetting

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A port, who wants it, and the setting that gives it another."""

    service: str
    port: int
    setting: str


def check(wanted: Sequence[Wanted]) -> None:
    """Raises where a port is held by another program, or is wanted twice."""
    told = [*_twice(wanted), *(_told(each) for each in wanted if not _is_free(each))]
    if told:
        raise PortsTaken(tuple(told))


def holder(port: int) -> str | None:
    """The program that listens on a port of this machine, as far as this user may know; None where nobody does."""
    with suppress(psutil.Error):
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr.port == port and each.pid is not None:
                return _program(each.pid)
    return None


def free_port() -> int:
    """A port that nobody holds now."""
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def _is_free(wanted: Wanted) -> bool:
    try:
        socket.create_server((HOST, wanted.port)).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        told = f"wanted a port that may be listened on: {error.strerror}"
        raise BadSetting(wanted.setting, str(wanted.port), told) from error
    return True


def _told(wanted: Wanted) -> str:
    found = holder(wanted.port) or "a program of another user"
    return (
        f"port {wanted.port} of {wanted.service} is held by {found}; stop that, "
        f"or choose another port with {wanted.setting}"
    )


def _twice(wanted: Sequence[Wanted]) -> list[str]:
    counts = Counter(each.port for each in wanted)
    return [
        f"port {port} is wanted by {' and by '.join(each.service for each in wanted if each.port == port)}; "
        f"change one of {', '.join(each.setting for each in wanted if each.port == port)}"
        for port, count in counts.items()
        if count > 1
    ]


def _program(pid: int) -> str:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        words = " ".join(process.cmdline()) or process.name()
        shown = words if len(words) <= 80 else f"{words[:77]}..."
        return f"process {pid} of {process.username()} ({shown})"
    return f"process {pid}"
