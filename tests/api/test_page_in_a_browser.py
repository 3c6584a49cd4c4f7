"""The page at `/` in a real browser, from a real server of two workers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.browser import Browser, browser
from tests.api.running import Running, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("page")
    folder = Path(shutil.copytree(store, home / "models"))
    (folder / "production").write_text("1")
    (folder / "staging").write_text("2")
    with running(home / ".lakeline", folder, share="0.5") as started:
        started.wait(lambda told: told["ready"] is True and told["canary"]["version"] == 2)  # type: ignore[index]
        yield started


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


def test_a_person_asks_the_model_sees_what_is_wrong_and_asks_again(server: Running, window: Browser) -> None:
    window.without_scripts()
    window.open(f"{server.client.base_url}")
    window.wait("iris_xgboost_classifier version 1", "gold.iris_features version 3", "the canary answers 50%")
    window.type("#field-2", "six")
    window.click("button")
    window.wait("petal_length: wanted a number")
    assert [window.value(f"#field-{place}") for place in range(4)] == ["5.1", "3.5", "six", "0.2"]
    window.click("[role=alert] a")
    for place, text in enumerate(("6.3", "3.3", "6.0", "2.5")):
        window.type(f"#field-{place}", text)
    window.click("button")
    window.wait("2 virginica", "version 1, production", "gold.iris_features version 3")
    window.click("button + button")
    window.wait("2 virginica", "version 2, canary", "gold.iris_features version 4")
    assert all("422" in told for told in window.complaints())


def test_each_field_has_a_name_for_who_cannot_see_it_and_the_page_follows_the_dark(
    server: Running, window: Browser
) -> None:
    window.open(f"{server.client.base_url}")
    assert [window.name(f"#field-{place}") for place in (0, 3)] == ["sepal_length", "petal_width"]
    assert window.name("nav") == "More"
    light = window.style("body", "background-color")
    window.prefers_dark()
    dark = window.style("body", "background-color")
    assert (light, dark) == ("rgba(255, 255, 255, 1)", "rgba(18, 23, 29, 1)")


def test_the_policy_lets_no_script_run_that_came_into_the_page(server: Running, window: Browser) -> None:
    window.open(f"{server.client.base_url}")
    window.complaints()
    window.run(
        "const told = document.createElement('script'); told.textContent = 'document.title = \"taken\"';"
        "document.body.append(told); const seen = new Image(); seen.src = '/docs'; document.body.append(seen);"
    )
    assert window.run("return document.title") == "Lakeline: what answers"
    assert any("Content Security Policy" in told for told in window.complaints())
