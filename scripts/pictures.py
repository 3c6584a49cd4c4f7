"""Takes the README's pictures from a running `lakeline up`, with a headless Chromium: `python scripts/pictures.py ADDRESS`.

It needs Playwright (`pip install playwright`) and a Chromium of the system's, and reads the password that the platform keeps.
A question has to wait in `ml_promotion_dag`. With `--page ADDRESS` it takes the page of a running `lakeline serve` alone.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
WIDE, TALL = {"width": 2300, "height": 330}, {"width": 1280, "height": 1250}
HALF = {"width": 900, "height": 660}


def main(address: str) -> None:
    """Enters as the admin, and keeps each page as a picture."""
    home = Path(os.environ.get("LAKELINE_HOME", ".lakeline"))
    password = json.loads((home / "airflow" / "passwords.json").read_text())["admin"]
    with _page() as page:
        token = page.request.post(f"{address}/auth/token", data={"username": "admin", "password": password}).json()
        page.context.set_extra_http_headers({"Authorization": f"Bearer {token['access_token']}"})
        page.goto(address)
        page.wait_for_timeout(3000)
        _asset_graph(page, address)
        _question(page, address)


def page_of_the_api(address: str) -> None:
    """Asks the model its own example, and keeps the page with the answer."""
    with _page() as page:
        page.set_viewport_size(HALF)  # type: ignore[arg-type]
        page.goto(address)
        page.click("button")
        page.wait_for_selector(".answer")
        page.screenshot(path=PICTURES / "page.png")


@contextmanager
def _page() -> Iterator[Page]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def _asset_graph(page: Page, address: str) -> None:
    found = _asked(page, f"{address}/api/v2/assets?name_pattern=gold.iris_features")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(f"{address}/assets/{found['assets'][0]['id']}")
    page.wait_for_selector(".react-flow__node")
    page.wait_for_timeout(2000)  # the graph is laid out by the browser
    page.add_style_tag(content=".react-flow__panel, .react-flow__minimap { display: none !important }")
    page.locator(".react-flow").screenshot(path=PICTURES / "asset-graph.png")


def _question(page: Page, address: str) -> None:
    asked = _asked(page, f"{address}/api/v2/dags/ml_promotion_dag/dagRuns/~/hitlDetails?response_received=false")
    task = asked["hitl_details"][-1]["task_instance"]
    page.set_viewport_size(TALL)  # type: ignore[arg-type]
    page.goto(f"{address}/dags/ml_promotion_dag/runs/{task['dag_run_id']}/tasks/{task['task_id']}/required_actions")
    page.wait_for_timeout(3000)
    page.screenshot(path=PICTURES / "question.png")


def _asked(page: Page, address: str) -> Any:
    """What Airflow's API answers to the user of the page."""
    return page.request.get(address).json()


if __name__ == "__main__":
    if sys.argv[1] == "--page":
        page_of_the_api(sys.argv[2])
    else:
        main(sys.argv[1])
