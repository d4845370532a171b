"""Structured logs: one JSON object a line on stdout, each with the id of the request it belongs to.

Log records never carry form contents, file names, tokens or query strings: callers pass named `fields`, and only those
named in `_FIELDS` are written.
"""

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_FIELDS: Final = (
    "method", "path", "status", "duration_ms", "client_ip", "trace_id", "form_id", "upload_id", "size_bytes",
    "check", "error", "replay", "release", "commit", "color",
)  # fmt: skip


class JsonFormatter(logging.Formatter):
    """Format a record as one JSON line; fields come from `extra=` and are dropped unless they are known."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON text of RECORD; an exception is given by its type and place, not by its message.

        Messages of database and validation errors may quote what a visitor typed, so they stay out of the log.
        """
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
        return json.dumps(line, default=str)


def configure(level: int = logging.INFO) -> None:
    """Send every logger of the process, uvicorn's too, to stdout as JSON. Safe to call twice."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
    logging.getLogger("botocore").setLevel(logging.WARNING)
    # Our own access line has the request id and no query string; uvicorn's would repeat it without the first.
    logging.getLogger("uvicorn.access").disabled = True
