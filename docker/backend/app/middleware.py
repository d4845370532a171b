"""What happens around every request: its id, its log line, its metrics, and the 500 of last resort."""

import logging
import re
import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import metrics
from app.logs import request_id
from app.problems import bug
from app.proxies import client_ip

log = logging.getLogger("app.access")
_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,128}")
_PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestContext:
    """ASGI middleware: takes X-Request-Id in (or makes one), gives it back, and accounts for the request."""

    def __init__(self, app: ASGIApp, trusted_hops: int) -> None:
        self.app = app
        self.trusted_hops = trusted_hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request inside its context; a response that was cut off before its head counts as 499."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        current = given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(current)
        scope["client_ip"] = client_ip(headers, scope.get("client"), self.trusted_hops)
        started = time.perf_counter()
        status = 499

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-Id"] = current
                out.setdefault("Cache-Control", "no-store")
            await send(message)

        metrics.IN_FLIGHT.inc()
        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            answer = bug(error).response()
            if status != 499:
                raise  # the head is out; only closing the connection can still tell the client
            await answer(scope, receive, send_with_id)
        finally:
            metrics.IN_FLIGHT.dec()
            _account(scope, headers, status, time.perf_counter() - started)
            request_id.reset(token)


def _account(scope: Scope, headers: Headers, status: int, duration_s: float) -> None:
    # Unknown paths share one label, so that a scan of the site cannot fill the metrics.
    endpoint = getattr(scope.get("endpoint"), "__name__", "none")
    metrics.REQUESTS.labels(endpoint, scope["method"], str(status)).inc()
    metrics.DURATION.labels(endpoint).observe(duration_s)
    quiet = scope["path"] in _PROBES and status < 400
    log.log(
        logging.DEBUG if quiet else logging.INFO,
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "duration_ms": round(duration_s * 1000, 1),
            "client_ip": scope["client_ip"],
            "trace_id": headers.get("x-amzn-trace-id", ""),
        },
    )
