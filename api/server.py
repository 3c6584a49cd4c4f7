"""Running the server: one port, one process that follows the registry, and as many workers as are wanted."""

import errno
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from api.door.door import Door
from api.door.settings import DoorSettings
from api.door.tls import Certificates
from api.errors import PortTaken
from api.run import METRICS, SEATS, own_folder
from api.seats import clear_seat
from api.settings import ApiSettings
from api.supervise import Role, Supervisor
from lakehouse.errors import BadSetting
from observability.tracing import wants_traces

_log = logging.getLogger(__name__)

RESOLVER = (sys.executable, "-P", "-m", "api.resolver")
WORKER = (sys.executable, "-P", "-m", "api.worker")

GRACE_SECONDS = 30
"""How long requests in flight may take after a server was asked to end."""


def serve(
    settings: ApiSettings,
    *,
    resolver: Sequence[str] = RESOLVER,
    worker: Sequence[str] = WORKER,
    flusher: Sequence[str] | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serves until a signal ends it; `started` is told the address as soon as the port is taken.

    The commands are those of the processes. The resolver and the workers are given the number of the pipe that ends with
    this process and the run's folder, a worker its place among the workers and the number of the socket as well. The
    flusher is given the number of this process; it ends after the workers have.
    """
    door = _checked(settings)
    with _listen(settings) as listener, own_folder(settings.runs) as folder:
        pipe, held_open = os.pipe()
        address = _address(listener, "https" if door.is_tls else "http")
        _log.info("serving at %s", address)
        if started is not None:
            started(address)
        environment = {**os.environ, **settings.environment}
        shared = (str(pipe), str(folder))
        # The serving path gains nothing from the threads of OpenMP and BLAS, and loses ten times its latency to them.
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        of_worker = {**environment, **alone, "PROMETHEUS_MULTIPROC_DIR": str(folder / METRICS)}
        roles = [Role(name="the resolver", command=(*resolver, *shared), environment=environment)]
        roles += [
            Role(
                name=f"worker {slot}",
                command=(*worker, *shared, str(slot), str(listener.fileno())),
                environment=of_worker,
                ended=partial(_forget, folder, slot),
            )
            for slot in range(settings.serve_workers)
        ]
        if flusher is not None:
            command = (*flusher, str(os.getpid()))
            roles.append(Role(name="the flusher", command=command, environment=environment, ends=1))
        end_seconds = settings.serve_drain_seconds + GRACE_SECONDS + 5
        try:
            Supervisor(roles, inherited=(pipe, listener.fileno()), end_seconds=end_seconds).run()
        finally:
            os.close(held_open)
            os.close(pipe)
    _log.info("stopped serving at %s", address)


def _forget(folder: Path, slot: int) -> None:
    """What a worker said of the moment is no longer so; what it counted stays counted, and its successor counts on."""
    clear_seat(folder / SEATS, slot)
    for file in (folder / METRICS).glob(f"gauge_*_{slot}.db"):
        file.unlink(missing_ok=True)


def _checked(settings: ApiSettings) -> DoorSettings:
    """What the door is to be; what is wrong with it ends the server here, and not each worker anew."""
    door = DoorSettings.from_env()
    Certificates.of(door)
    Door.of(door, None)
    wants_traces(os.environ)
    if not (door.is_guarded or _is_local(settings.serve_host)):
        _log.warning(
            "whoever reaches %r may ask: no token and no client certificate is wanted; "
            "set LAKELINE_SERVE_TOKENS or LAKELINE_SERVE_TLS_CLIENT_CA, or listen on 127.0.0.1",
            settings.serve_host,
        )
    return door


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _address(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _listen(settings: ApiSettings) -> socket.socket:
    host, port = settings.serve_host, settings.serve_port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from error
        wanted = f"wanted an address of this machine that may be listened on, and port {port} gave: {error.strerror}"
        raise BadSetting("LAKELINE_SERVE_HOST", host, wanted) from error
