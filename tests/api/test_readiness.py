"""When a server of several workers says that requests may be sent."""

from pathlib import Path

import xgboost

from api.app import create_app
from api.seats import Answering, Seat
from api.serving import Serving
from api.settings import ApiSettings
from tests.api import served_models as models
from tests.api.asked import ask, serving


def test_a_server_is_ready_when_each_of_its_workers_has_a_model(iris: xgboost.Booster, tmp_path: Path) -> None:
    loaded = serving(models.place(tmp_path, iris, models.card())).need()
    mine = Seat(pid=1, answering={"production": Answering.of(loaded)})
    other = Seat(pid=2)
    seats = [mine, other]
    found = Serving(seats=lambda: seats)
    found.predictor = loaded
    app = create_app(ApiSettings(), found)
    for path in ("/readyz", "/v2/health/ready", "/ping"):
        assert ask(app, "GET", path).status_code == 503
    assert ask(app, "GET", "/readyz").json()["reason"] == "another worker has not loaded the model yet"
    assert "another worker has not loaded the model yet" in ask(app, "GET", "/").text
    seats[1] = Seat(pid=2, answering=mine.answering)
    assert ask(app, "GET", "/readyz").status_code == 200
