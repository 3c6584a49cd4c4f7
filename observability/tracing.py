"""Traces of requests, sent where OpenTelemetry's own variables say; its libraries are loaded only where they say so."""

import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse.errors import BadSetting

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTER = "OTEL_TRACES_EXPORTER"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_CLIENT_LEFT = 499


def wants_traces(environment: Mapping[str, str]) -> bool:
    """Whether the variables name somebody to send traces to; what cannot be done is named.

    >>> wants_traces({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"})
    False
    """
    told = {name: environment.get(name, "").strip() for name in (*_ENDPOINTS, *_PROTOCOLS, _EXPORTER)}
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or told[_EXPORTER] == "none":
        return False
    if not (told[_EXPORTER] or any(told[name] for name in _ENDPOINTS)):
        return False
    if told[_EXPORTER] not in ("", "otlp"):
        raise BadSetting(_EXPORTER, told[_EXPORTER], "wanted 'otlp' or 'none'")
    protocol = next((name for name in _PROTOCOLS if told[name]), None)
    if protocol is not None and told[protocol] != _PROTOCOL:
        raise BadSetting(protocol, told[protocol], f"wanted {_PROTOCOL!r}")
    if importlib.util.find_spec("opentelemetry") is None or not _is_there("opentelemetry.exporter.otlp.proto.http"):
        name = next((name for name in (*_ENDPOINTS, _EXPORTER) if told[name]), _EXPORTER)
        raise BadSetting(name, told[name], "wanted the extra 'otel' beside it, as in pip install 'lakeline[otel]'")
    return True


class Answered:
    """The span of a request, which learns at its end how it was answered."""

    def __init__(self, span: "Span", method: str) -> None:
        self._span, self._method = span, method
        self.status = _CLIENT_LEFT

    def tell(self, route: str, attributes: Mapping[str, str]) -> None:
        """Names the span after the route, and notes what is known of the answer."""
        from opentelemetry.trace import Status, StatusCode

        self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes({"http.route": route, "http.response.status_code": self.status, **attributes})
        if self.status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))


class Traces:
    """Makes spans, and sends them in batches from a thread; sampling, limits and headers are OpenTelemetry's own settings."""

    def __init__(self, attributes: Mapping[str, str] | None = None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        told: dict[str, str] = dict(attributes or {})
        named = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        if not (os.environ.get("OTEL_SERVICE_NAME") or f"{SERVICE_NAME}=" in named):
            told[SERVICE_NAME] = "lakeline"
        self._provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("lakeline")

    def start(self) -> None:
        """There is nothing to begin: the thread that sends runs already."""

    def stop(self) -> None:
        """Sends what waits."""
        self._provider.shutdown()

    @contextmanager
    def request(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[Answered]:
        """The span of a request, below the sender's own span where `traceparent` names one."""
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        carried = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        attributes = {"http.request.method": method, "url.path": path}
        with self._tracer.start_as_current_span(
            method, extract(carried), kind=SpanKind.SERVER, attributes=attributes, record_exception=False
        ) as span:
            yield Answered(span, method)

    @contextmanager
    def prediction(self, model: str, version: int, rows: int) -> Iterator[None]:
        """The span of asking a model, below that of the request."""
        attributes: dict[str, str | int] = {
            "lakeline.model": model,
            "lakeline.model_version": version,
            "lakeline.rows": rows,
        }
        with self._tracer.start_as_current_span("predict", attributes=attributes, record_exception=False):
            yield


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
