import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from api.app import create_app
from api.entrance import Entrance
from api.serving import Serving
from api.settings import ApiSettings
from lakehouse.errors import BadSetting
from observability.tracing import Traces, wants_traces
from tests.api import served_models as models
from tests.api.asked import ask, ask_all, serving

TRACE, SENDER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Receiver:
    """A real receiver of OTLP over HTTP, which keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[ExportTraceServiceRequest] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
                outer.received.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *told: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def spans(self) -> dict[str, Span]:
        scopes = (scope for told in self.received for one in told.resource_spans for scope in one.scope_spans)
        return {span.name: span for scope in scopes for span in scope.spans}

    @property
    def resource(self) -> dict[str, str]:
        told = self.received[0].resource_spans[0].resource.attributes
        return {pair.key: pair.value.string_value for pair in told}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.address)
    yield found
    found.server.shutdown()
    found.server.server_close()


def traced(place: Path, home: Path, traces: Traces, is_broken: bool = False) -> FastAPI:
    served = Serving() if is_broken else serving(place)
    return create_app(ApiSettings(home=home), served, entrance=Entrance(traces=traces))


def told(span: Span) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


def test_a_request_and_its_question_to_the_model_are_spans_of_the_senders_trace(
    receiver: Receiver, store: Path, tmp_path: Path
) -> None:
    traces = Traces()
    headers = {"traceparent": f"00-{TRACE}-{SENDER}-01", "x-request-id": "order-7"}
    app = traced(store / "1", tmp_path, traces)
    assert ask(app, "POST", "/predict", json=models.SETOSA, headers=headers).status_code == 200
    traces.stop()
    assert receiver.resource["service.name"] == "lakeline"
    spans = receiver.spans
    request, question = spans["POST /predict"], spans["predict"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, SENDER)
    assert (question.trace_id.hex(), question.parent_span_id) == (TRACE, request.span_id)
    assert request.kind == Span.SPAN_KIND_SERVER
    assert told(request) == {
        "http.request.method": "POST",
        "url.path": "/predict",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "lakeline.model": "iris_xgboost_classifier",
        "lakeline.model_version": "1",
        "lakeline.run": "run1",
        "lakeline.inputs": "gold.iris_features@3",
        "lakeline.request_id": "order-7",
    }
    assert told(question) == {
        "lakeline.model": "iris_xgboost_classifier",
        "lakeline.model_version": 1,
        "lakeline.rows": 1,
    }
    assert request.start_time_unix_nano <= question.start_time_unix_nano <= question.end_time_unix_nano


def test_rows_that_are_predicted_in_a_thread_and_requests_at_once_keep_their_traces(
    receiver: Receiver, store: Path, tmp_path: Path
) -> None:
    traces = Traces()
    app = traced(store / "1", tmp_path, traces)
    sent = [
        ("POST", "/predict/batch", {"json": [models.SETOSA] * 3}),
        ("GET", "/lineage/iris_xgboost_classifier/1", {}),
        ("GET", "/nowhere/at/all", {}),
    ]
    asyncio.run(ask_all(app, *sent))
    ask(traced(store / "1", tmp_path, traces, is_broken=True), "POST", "/predict", json=models.SETOSA)
    traces.stop()
    spans = receiver.spans
    assert set(spans) == {
        "POST /predict/batch", "predict", "GET /lineage/{model}/{version}", "GET unmatched", "POST /predict"
    }  # fmt: skip
    assert spans["predict"].parent_span_id == spans["POST /predict/batch"].span_id
    assert told(spans["predict"])["lakeline.rows"] == 3
    assert len({span.trace_id for span in spans.values()}) == 4
    failed = spans["POST /predict"]
    assert (told(failed)["http.response.status_code"], failed.status.code) == (503, 2)
    assert spans["GET unmatched"].status.code == 0


def test_the_variables_of_opentelemetry_decide() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert wants_traces(endpoint)
    assert wants_traces({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"})
    assert wants_traces({"OTEL_TRACES_EXPORTER": "otlp"})
    assert not wants_traces({})
    assert not wants_traces({"OTEL_SERVICE_NAME": "x", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:1"})
    assert not wants_traces(endpoint | {"OTEL_SDK_DISABLED": "True"})
    assert not wants_traces(endpoint | {"OTEL_TRACES_EXPORTER": "none"})
    with pytest.raises(BadSetting, match=r"OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'; wanted 'http/protobuf'"):
        wants_traces(endpoint | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    with pytest.raises(BadSetting, match="OTEL_TRACES_EXPORTER is 'zipkin'"):
        wants_traces({"OTEL_TRACES_EXPORTER": "zipkin"})


@pytest.mark.slow
def test_without_them_nothing_of_it_is_loaded() -> None:
    """In a worker's own modules, and with a door that is made from an empty environment."""
    code = (
        "import sys, api.worker; from pathlib import Path; from api.entrance import Entrance;"
        "from api.door.settings import DoorSettings; from api.settings import ApiSettings;"
        "assert Entrance.of(ApiSettings(), DoorSettings(), Path()).traces is None;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
