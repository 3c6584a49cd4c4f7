"""A headless Chromium of the system's, driven by the WebDriver protocol over HTTP alone."""

import base64
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import httpx
import pytest

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_WORDS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1000,900")


class Browser:
    """One window of a browser, and what a person does with it."""

    def __init__(self, session: httpx.Client) -> None:
        self._session = session

    def open(self, address: str) -> None:
        self._tell("url", url=address)

    def type(self, place: str, text: str) -> None:
        """Puts a text into a field, in place of what it holds."""
        self._at(place, "clear")
        self._at(place, "value", text=text)

    def click(self, place: str) -> None:
        self._at(place, "click")

    def text(self, place: str = "body") -> str:
        return str(self._session.get(f"element/{self._find(place)}/text").json()["value"])

    def wait(self, *texts: str) -> None:
        """Waits until the page shows all of these, as it does a moment after a form was sent."""
        deadline, found = time.monotonic() + 20, ""
        while not all(text in found for text in texts):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
            with suppress(AssertionError):  # between two pages there is nothing to read
                found = self.text()

    def value(self, place: str) -> str:
        """What a field holds."""
        return str(self._session.get(f"element/{self._find(place)}/property/value").json()["value"])

    def style(self, place: str, name: str) -> str:
        return str(self._session.get(f"element/{self._find(place)}/css/{name}").json()["value"])

    def name(self, place: str) -> str:
        """What a reader of the screen calls an element."""
        return str(self._session.get(f"element/{self._find(place)}/computedlabel").json()["value"])

    def run(self, script: str) -> object:
        """What a script of the test's, not of the page's, finds in the page."""
        return self._tell("execute/sync", script=script, args=[])

    def prefers_dark(self) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark"}]
        self._devtools("Emulation.setEmulatedMedia", media="screen", features=features)

    def without_scripts(self) -> None:
        self._devtools("Emulation.setScriptExecutionDisabled", value=True)

    def complaints(self) -> list[str]:
        """What the browser has complained of since it was asked last: blocked by the policy, not found, failed."""
        found = self._tell("se/log", type="browser")
        assert isinstance(found, list)
        return [each["message"] for each in found]

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self._session.get("screenshot").json()["value"]))

    def _devtools(self, command: str, **words: object) -> None:
        self._tell("goog/cdp/execute", cmd=command, params=words)

    def _at(self, place: str, action: str, **words: object) -> None:
        self._tell(f"element/{self._find(place)}/{action}", **words)

    def _find(self, place: str) -> str:
        found = self._tell("element", using="css selector", value=place)
        assert isinstance(found, dict)
        return str(found[_ELEMENT])

    def _tell(self, path: str, **words: object) -> object:
        answer = self._session.post(path, json=words)
        assert answer.status_code == 200, answer.text[:1000]
        return answer.json()["value"]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser of the test's own, ended with it."""
    driver, chromium = _programs()
    with (folder / "driver.log").open("wb") as log:
        process = subprocess.Popen(
            [driver, "--port=0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    options = {"binary": chromium, "args": [*_WORDS, f"--user-data-dir={folder / 'profile'}"]}
    wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{_port(process.stdout)}", timeout=60) as client:
            answer = client.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
            assert answer.status_code == 200, answer.text[:1000]
            session = client.base_url.join(f"/session/{answer.json()['value']['sessionId']}")
            client.base_url = f"{session}/"
            yield Browser(client)
            ended = client.delete(session)
            assert ended.status_code == 200, ended.text[:1000]
    finally:
        # Whatever the driver has started is of its group; a test that failed did not ask it to end the browser.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def _port(said: IO[str]) -> int:
    for line in said:
        if found := re.search(r"started successfully on port (\d+)", line):
            return int(found[1])
    raise AssertionError("the driver of the browser ended before it listened")


def _programs() -> tuple[str, str]:
    """The driver and the browser, from Debian's packages where this user may install them."""
    names = ("chromedriver", "chromium")
    if not all(map(shutil.which, names)) and os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (("update",), ("install", "--yes", "--no-install-recommends", "chromium", "chromium-driver")):
            subprocess.run(["apt-get", "--quiet", *words], capture_output=True, check=False, timeout=600)
    driver, chromium = map(shutil.which, names)
    if driver is None or chromium is None:
        pytest.skip("needs chromedriver and chromium: apt-get install chromium chromium-driver")
    return driver, chromium
