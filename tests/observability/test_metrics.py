from datetime import UTC, datetime

from api.counted import CountAnswers
from api.log.record import Answered
from observability.metrics import RequestMetrics
from observability.spool import SpoolNow, of_spool


def test_the_names_are_those_that_dashboards_know() -> None:
    metrics = RequestMetrics()
    metrics.requests.labels("GET", "/livez", "200").inc()
    metrics.latency.labels("GET", "/livez").observe(0.0007)
    metrics.in_progress.labels("GET", "/livez").set(2)
    text = metrics.render().decode()
    assert 'fastapi_requests_total{method="GET",path="/livez",status="200"} 1.0' in text
    assert 'fastapi_requests_latency_seconds_bucket{le="0.001",method="GET",path="/livez"} 1.0' in text
    assert 'fastapi_requests_latency_seconds_count{method="GET",path="/livez"} 1.0' in text
    assert 'fastapi_requests_in_progress{method="GET",path="/livez"} 2.0' in text


def test_two_applications_in_one_process_count_apart() -> None:
    one, other = RequestMetrics(), RequestMetrics()
    one.requests.labels("GET", "/livez", "200").inc()
    assert b"livez" not in other.render()


def test_answers_are_counted_by_version_variant_and_class_and_a_number_makes_no_series() -> None:
    metrics = RequestMetrics()
    counting = CountAnswers(metrics.models)
    at = datetime(2026, 6, 1, tzinfo=UTC)
    for prediction in (0, 0, 2, 1.5):
        counting.record(
            Answered(
                request_id="r",
                at=at,
                model="iris",
                version=3,
                variant="canary",
                features={},
                prediction=prediction,
                probabilities=None,
                latency_seconds=0.001,
            )
        )
    text = metrics.render().decode()
    assert 'lakeline_predictions_total{model="iris",variant="canary",version="3"} 4.0' in text
    assert 'lakeline_predicted_classes_total{class="0",model="iris",variant="canary",version="3"} 2.0' in text
    assert text.count("lakeline_predicted_classes_total{") == 2


def test_the_spool_is_told_as_it_is_and_what_was_committed_as_counters() -> None:
    now = SpoolNow(bytes=7, limit_bytes=9, segments=2, set_aside=1, oldest_seconds=3.5, flushes=4, flushed_rows=5)
    told = {metric.name: (metric.type, metric.samples[0].value) for metric in of_spool(now)}
    assert told["lakeline_log_spool_bytes"] == ("gauge", 7.0)
    assert told["lakeline_log_spool_oldest_seconds"] == ("gauge", 3.5)
    assert told["lakeline_log_flushed_rows"] == ("counter", 5.0)
    assert len(told) == 8
