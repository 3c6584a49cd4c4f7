"""The page at `/`, as a client without any script sees it."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
import xgboost
from fastapi import FastAPI

from api.app import create_app
from api.canary import Ended, Ruling
from api.log.record import Recorder
from api.placed import Placed
from api.predictor import load
from api.serving import Serving
from api.settings import ApiSettings
from tests.api import served_models as models
from tests.api.asked import Kept, ask, iris_app, serving


class Shown(HTMLParser):
    """What a browser would take from a page: the fields with what they hold, and every tag."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.fields: dict[str, str | None] = {}
        self.options: dict[str, list[str]] = {}
        self.tags: list[str] = []
        self.links: list[str] = []
        self.described: dict[str, str] = {}
        self._select, self._told = "", ""
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append(tag)
        self.links += [told["href"] or ""] if tag == "a" else []
        self._told = told.get("id") or ""
        if tag == "input":
            self.fields[told["name"] or ""] = told["value"]
        if tag == "select":
            self._select = told["name"] or ""
            self.fields[self._select] = ""
            self.options[self._select] = []
        if tag == "option":
            self.options[self._select].append(told["value"] or "")
            if "selected" in told:
                self.fields[self._select] = told["value"]

    def handle_data(self, data: str) -> None:
        if self._told.endswith("-told"):
            self.described[self._told] = data


@pytest.fixture(scope="module")
def rent(tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """What serves a regressor with a category, and a column that may be empty."""
    return serving(models.place(tmp_path_factory.mktemp("rent"), models.rent_booster(), models.rent_card()))


def app_of(found: Serving, recorder: Recorder | None = None) -> FastAPI:
    return create_app(ApiSettings(), found, recorder=recorder)


def send(app: FastAPI, row: dict[str, str], path: str = "/", **headers: str) -> httpx.Response:
    return ask(app, "POST", path, data=row, headers=headers)


def test_the_page_names_the_version_the_run_and_the_data_and_links_to_more(
    iris: xgboost.Booster, tmp_path: Path
) -> None:
    app = iris_app(tmp_path, iris)
    page = ask(app, "GET", "/")
    assert page.status_code == 200
    assert all(told in page.text for told in ("version 1", "run1", "gold.iris_features", "version 3", "production"))
    shown = Shown(page)
    assert {"docs", "lineage/iris_xgboost_classifier/1"} <= set(shown.links)
    assert all(ask(app, "GET", f"/{link}").status_code == 200 for link in shown.links)
    assert shown.fields == {name: str(value) for name, value in models.SETOSA.items()}


def test_no_script_and_nothing_of_another_host_can_be_loaded(iris: xgboost.Booster, tmp_path: Path) -> None:
    page = ask(iris_app(tmp_path, iris), "GET", "/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "script" not in Shown(page).tags
    assert "http" not in page.text.replace("http-equiv", "")
    assert "style=" not in page.text


def test_the_form_is_answered_with_the_versions_and_recorded_as_any_other_request(
    iris: xgboost.Booster, tmp_path: Path
) -> None:
    kept = Kept()
    page = send(iris_app(tmp_path, iris, kept), {name: str(value) for name, value in models.VIRGINICA.items()})
    assert page.status_code == 200
    assert "<output>2</output> <span class='class'>virginica</span>" in page.text
    assert "How likely each class is" in page.text
    (answered,) = kept.answers
    assert (answered.version, answered.prediction, answered.features) == (1, 2, models.VIRGINICA)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("five", "wanted a number"),
        ("nan", "wanted a number"),
        ("", "is required"),
        ("1e39", "is too large for the model"),
        ("9" * 500, "wanted a finite number"),
        ("1_0", "wanted a number"),
        ('"><script>alert(1)</script>', "wanted a number"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_is_kept(
    iris: xgboost.Booster, tmp_path: Path, typed: str, reason: str
) -> None:
    kept = Kept()
    row = {name: str(value) for name, value in models.SETOSA.items()} | {"sepal_width": typed}
    page = send(iris_app(tmp_path, iris, kept), row)
    assert page.status_code == 422
    shown = Shown(page)
    assert shown.fields == row
    assert shown.described["field-1-told"] == reason
    assert f"<a href='#field-1'>sepal_width</a>: {reason}" in page.text
    assert "script" not in shown.tags
    assert kept.answers == []


def test_texts_are_chosen_of_their_categories_and_what_may_be_empty_may_be(rent: Serving) -> None:
    kept = Kept()
    app = app_of(rent, kept)
    shown = Shown(ask(app, "GET", "/"))
    assert shown.options == {"town": list(models.TOWNS), "is_new": ["true", "false"]}
    assert shown.fields == {"area": "50.0", "town": "Koeln", "floor": "2", "is_new": "false"}
    page = send(app, {"area": " 70 ", "town": "Mainz", "floor": "", "is_new": "true"})
    assert (page.status_code, Shown(page).fields["town"]) == (200, "Mainz")
    assert kept.answers[0].features == {"area": 70.0, "town": "Mainz", "is_new": True}
    page = send(app, {"area": "70", "town": "Berlin", "floor": "2.5", "is_new": "maybe", "cellar": "<b>"})
    assert page.status_code == 422
    told = (
        "wanted one of Bonn, Koeln, Mainz",
        "wanted a whole number",
        "wanted true or false",
        "cellar: is not a field",
    )
    assert all(reason in page.text for reason in told)


def test_both_variants_are_shown_and_either_can_be_asked(rent: Serving, tmp_path: Path) -> None:
    found = Serving(share=0.1)
    found.predictor = rent.predictor
    found.canary = load(models.place(tmp_path, models.rent_booster(), models.rent_card() | {"version": 2}))
    kept = Kept()
    app = app_of(found, kept)
    page = ask(app, "GET", "/")
    assert all(
        told in page.text for told in ("version 1", "version 2", "Ask production", "Ask canary", "staging", "10%")
    )
    row = {"area": "50", "town": "Bonn", "floor": "1", "is_new": "true"}
    assert "version 2</span>, canary" in send(app, row, "/?variant=canary").text
    assert [answered.variant for answered in kept.answers] == ["canary"]
    end = Ended(target=found.canary.card.target, why="it was <slow>", at=datetime.now(UTC))
    found.obey(Ruling(ended=(end,)))
    page = ask(app, "GET", "/")
    assert "the canary answers 0%; the canary was ended: it was &lt;slow&gt;" in page.text
    found.predictor = found.canary
    assert "Ask canary" not in ask(app, "GET", "/").text


def test_without_a_model_the_page_says_why(tmp_path: Path) -> None:
    found = Serving()
    found.placed["production"] = Placed(alias="no version is iris@<production>")
    for method in ("GET", "POST"):
        form = {"content-type": "application/x-www-form-urlencoded"}
        page = ask(app_of(found), method, "/", headers=form)
        assert page.status_code == 503
        assert "No model is loaded: no version is iris@&lt;production&gt;" in page.text
        assert "form" not in Shown(page).tags


def test_a_registry_that_does_not_answer_and_a_refused_version_are_told(rent: Serving) -> None:
    found = Serving()
    found.predictor = rent.predictor
    found.placed["production"] = Placed(registry="does not answer: connection refused")
    assert "the registry does not answer: connection refused" in ask(app_of(found), "GET", "/").text


def test_names_from_a_model_cannot_write_into_the_page(tmp_path: Path) -> None:
    changes = {"name": "<script>alert(1)</script>", "classes": ["<b>", "'", '"'], "run_id": "'\"><i>$main"}
    app = app_of(serving(models.place(tmp_path, models.iris_booster(), models.card() | changes)))
    for page in (ask(app, "GET", "/"), send(app, {name: str(value) for name, value in models.SETOSA.items()})):
        assert page.status_code == 200
        assert {"script", "i", "b"}.isdisjoint(Shown(page).tags)
        assert "&lt;script&gt;" in page.text


def test_only_the_pages_own_form_is_read(iris: xgboost.Booster, tmp_path: Path) -> None:
    app = iris_app(tmp_path, iris)
    assert send(app, {"a": "1"}, **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert ask(app, "POST", "/", json=models.SETOSA).status_code == 415
    assert send(app, {"a": "1" * 70_000}).status_code == 413
