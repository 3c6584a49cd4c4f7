"""Starting and asking a server of its own process."""

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.api import served_models as models

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server in a process of its own."""

    process: "subprocess.Popen[str]"
    client: httpx.Client
    folder: Path

    def predict(self, row: object = models.SETOSA) -> httpx.Response:
        return self.client.post("/predict", json=row)

    def name(self, version: int, alias: str = "production") -> None:
        written = self.folder / f".{alias}"
        written.write_text(str(version))
        written.rename(self.folder / alias)

    def wait(self, is_so: Callable[[dict[str, object]], bool]) -> dict[str, object]:
        """What /readyz says as soon as it says this."""
        told: dict[str, object] = {}
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            told = self.client.get("/readyz").json()
            if is_so(told):
                return told
            time.sleep(0.02)
        raise AssertionError(told)


@contextmanager
def running(
    home: Path,
    folder: Path,
    *,
    workers: int = 1,
    share: str = "0",
    verify: ssl.SSLContext | bool = True,
    **more: str,
) -> Iterator[Running]:
    """A server over a folder of models, killed at the end; `more` is its environment beside ours."""
    command = [sys.executable, "-m", "tests.api.run_server", str(home), "0", str(folder), str(workers), share]
    environment = {**os.environ, **more}
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        assert address, process.communicate()[1]
        with httpx.Client(base_url=address, timeout=60, verify=verify) as client:
            for _ in range(200):
                try:
                    client.get("/livez")
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            yield Running(process=process, client=client, folder=folder)
    finally:
        process.kill()
        process.wait()
