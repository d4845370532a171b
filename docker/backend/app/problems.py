"""Errors as JSON in the manner of RFC 9457 (application/problem+json).

Problem                     what an endpoint raises: status, title, detail, extra members, headers
  (HTTPException)           Starlette's own 404 and 405, mapped here
  (Exception)               anything else is a bug: 500 that says nothing of the inside, logged with its place
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from app.logs import request_id

log = logging.getLogger("app.problems")


class Problem(Exception):
    """An answer that is not a success; DETAIL is written for the person who sent the request."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def response(self) -> JSONResponse:
        """Return the HTTP answer; `request_id` lets a visitor quote it to us."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id.get(),
            **self.members,
        }
        return JSONResponse(body, self.status, self.headers, media_type="application/problem+json")


async def on_problem(_: Request, error: Exception) -> JSONResponse:
    """Answer a Problem raised by an endpoint."""
    if not isinstance(error, Problem):
        raise error
    return error.response()


async def on_http_error(_: Request, error: Exception) -> JSONResponse:
    """Answer Starlette's own HTTP errors (no such route, wrong method) in the same shape."""
    if not isinstance(error, HTTPException):
        raise error
    return Problem(error.status_code, error.detail, headers=error.headers).response()


def unavailable(what: str) -> Problem:
    """Return a 503 for WHAT (a sentence for the visitor); the request may be sent again unchanged."""
    return Problem(503, what, headers={"Retry-After": "5"})


def bug(error: Exception) -> Problem:
    """Log ERROR, which nobody expected, and return the 500 that hides it."""
    log.error("unexpected error", exc_info=error)
    return Problem(500, "Something went wrong on our side. Please try again, and tell us the request id if it stays.")
