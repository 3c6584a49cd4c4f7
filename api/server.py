"""Running the application: one process, one port, a drain before the end."""

import errno
import importlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

from api.app import create_app
from api.errors import PortTaken
from api.fetch import ChildFetch
from api.follow import Follower
from api.served import Target
from api.serving import Serving
from api.settings import ApiSettings
from api.shelf import Shelf
from lakehouse.errors import BadSetting

_log = logging.getLogger(__name__)


class _Following:
    """The follower and the child that fetches for it."""

    def __init__(self, follower: Follower, fetch: ChildFetch) -> None:
        self._follower, self._fetch = follower, fetch

    def start(self) -> None:
        self._follower.start()

    def stop(self) -> None:
        self._fetch.stop()
        self._follower.stop()


class _Server(uvicorn.Server):
    """On SIGTERM says "not ready" for the time a load balancer needs to notice, and only then stops to listen."""

    def __init__(self, config: uvicorn.Config, serving: Serving, drain_seconds: float) -> None:
        super().__init__(config)
        self._serving, self._drain_seconds = serving, drain_seconds
        self._ends_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first SIGTERM drains; a second signal, or Ctrl-C, ends at once; requests in flight are answered first."""
        self._serving.is_draining = True
        if self._ends_at is None and sig == signal.SIGTERM:
            self._ends_at = time.monotonic() + self._drain_seconds
            return
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to stop."""
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)


def serve(
    settings: ApiSettings,
    *,
    production: Callable[[], Target | None],
    fetch: Callable[[Target, Path], None] | None = None,
    on_poll: Callable[[], object] | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serves until a signal ends it; `started` is told the address as soon as the port is taken."""
    # The serving path gains nothing from OpenMP's threads and loses ten times its latency to them.
    os.environ["OMP_NUM_THREADS"] = "1"
    listener = _listen(settings)
    _load_xgboost_alone()
    serving = Serving()
    child = ChildFetch(settings.serve_model, timeout_seconds=settings.serve_fetch_seconds)
    follower = Follower(
        serving,
        Shelf(settings.folder),
        followed=f"{settings.serve_model}@{settings.serve_alias}",
        production=production,
        fetch=fetch or child,
        poll_seconds=settings.serve_poll_seconds,
        on_poll=on_poll,
    )
    config = uvicorn.Config(
        create_app(settings, serving, background=_Following(follower, child)),
        http="httptools",
        loop="uvloop",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=30,
    )
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    _log.info("serving at %s", address)
    if started is not None:
        started(address)
    with listener:
        _Server(config, serving, settings.serve_drain_seconds).run(sockets=[listener])
    _log.info("stopped serving at %s", address)


def _load_xgboost_alone() -> None:
    """Loads XGBoost without the wrappers for scikit-learn, which serving has no use for.

    XGBoost 3.2 takes scikit-learn with it wherever it is installed: 3.8 seconds and 100 MiB, against 0.8 without.
    """
    if "xgboost" in sys.modules or "sklearn" in sys.modules:
        return
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # makes its import fail, as if it were not installed
    try:
        importlib.import_module("xgboost")
    finally:
        del sys.modules["sklearn"]


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
