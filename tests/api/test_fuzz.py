"""Requests that Schemathesis makes of our own OpenAPI document: right ones, nearly right ones, and wrong ones."""

import pytest
import schemathesis
import xgboost
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.settings import ApiSettings
from tests.api import served_models as models
from tests.api.asked import serving

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


PATHS = [
    "/predict",
    "/predict/batch",
    "/predict_proba",
    "/explain",
    "/invocations",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/versions/{version}/infer",
]
QUESTIONS = ["/models", "/lineage/{model}/{version}", "/v2/models/{name}", "/v2", "/ping", "/version", "/readyz"]


@pytest.fixture(scope="module", params=["iris", "rent"])
def document(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, iris: xgboost.Booster
) -> schemathesis.BaseSchema:
    folder = tmp_path_factory.mktemp("model")
    if request.param == "rent":
        models.place(folder, models.rent_booster(), models.rent_card())
    else:
        models.place(folder, iris, models.card())
    app = create_app(ApiSettings(home=folder), serving(folder))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def fuzz(operation: schemathesis.APIOperation, examples: int, *, derandomize: bool) -> None:
    """Sends as many right requests as wrong ones, where there is anything that can be wrong."""
    modes = [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if operation.method == "post" else [])]
    for mode in modes:

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=derandomize,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def sent(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        sent()


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/v2/models/{name}/infer"])
def test_nothing_that_can_be_sent_is_a_defect(document: schemathesis.BaseSchema, path: str) -> None:
    fuzz(document[path]["POST"], 5, derandomize=True)


@pytest.mark.long
@pytest.mark.parametrize("path", [*PATHS, *QUESTIONS])
def test_nothing_at_all_that_can_be_sent_is_a_defect(document: schemathesis.BaseSchema, path: str) -> None:
    fuzz(document[path]["POST" if path in PATHS else "GET"], 300, derandomize=False)
