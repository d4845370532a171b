"""The Prometheus metrics of the backend; scraped on /metrics, which the frontend does not proxy."""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response

REQUESTS = Counter("indivillage_requests_total", "Requests answered", ("endpoint", "method", "status"))
DURATION = Histogram(
    "indivillage_request_duration_seconds",
    "Time from the request's head to the end of the answer",
    ("endpoint",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
IN_FLIGHT = Gauge("indivillage_requests_in_flight", "Requests being answered now")
FORMS = Counter("indivillage_forms_total", "Contact forms by result", ("result",))
UPLOADS = Counter("indivillage_uploads_total", "Career uploads by result", ("result",))
UPLOAD_BYTES = Counter("indivillage_upload_bytes_total", "Bytes of completed career uploads")
RATE_LIMITED = Counter("indivillage_rate_limited_total", "Requests refused by the rate limit")
RATE_LIMIT_SKIPPED = Counter("indivillage_rate_limit_skipped_total", "Requests let through because Redis was away")
BUILD = Gauge("indivillage_build_info", "What runs here, always 1", ("release", "commit", "color"))


async def metrics(_: Request) -> Response:
    """GET /metrics: the registry in Prometheus' text format."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
