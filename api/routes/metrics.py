"""`/metrics`: what Prometheus scrapes."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import metrics_of

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, summary="Metrics for Prometheus")
def metrics(request: Request) -> Response:
    """Everything that is counted, in Prometheus' text format."""
    # No coroutine: reading what each worker counted takes tens of milliseconds, for which no prediction is to wait.
    counted = metrics_of(request)
    return Response(counted.render(), media_type=counted.content_type)
