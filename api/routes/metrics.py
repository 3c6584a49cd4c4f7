"""`/metrics`: what Prometheus scrapes."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import metrics_of

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, summary="Metrics for Prometheus")
async def metrics(request: Request) -> Response:
    """Everything that is counted, in Prometheus' text format."""
    counted = metrics_of(request)
    return Response(counted.render(), media_type=counted.content_type)
