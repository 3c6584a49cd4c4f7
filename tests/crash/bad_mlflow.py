"""MLflow's server as it is on a bad day: killed in the middle, started again, or answering 500."""

import http.client
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from registry.settings import RegistrySettings
from registry.ui import ui_command


class Server:
    """A real server over the store of a home folder, always on the same port."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.home, self.address = home, f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> Path:
        return self.home / "mlflow.db"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        settings = RegistrySettings(lakeline_home=self.home, mlflow_tracking_uri=f"sqlite:///{self.database}")
        command = ui_command(settings, self.port)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        log = self.home / "server.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command.arguments,
                cwd=self.home,
                env=clean | dict(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.address}/api/2.0/mlflow/experiments/search?max_results=1", timeout=5)
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(log.read_text()[-3000:])

    def kill(self) -> None:
        """Kills it with all its workers, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def answering(answer: Callable[[str], bool], behind: int | None = None) -> Iterator[str]:
    """The address of a server that answers 500 to each path for which `answer` is false, and else what one behind it does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if behind is None or not answer(self.path):
                self._say(500, b"<html>Internal Server Error</html>", "text/html")
                return
            connection = http.client.HTTPConnection("127.0.0.1", behind, timeout=120)
            passed = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
            connection.request(self.command, self.path, body, passed)
            got = connection.getresponse()
            self._say(got.status, got.read(), got.getheader("content-type") or "application/json")
            connection.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815  # http.server's names

        def _say(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
