from observability.metrics import RequestMetrics


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
