"""What the containers of `inv dev` print, for the person who wrote the line that failed."""

from __future__ import annotations

import json

USER_AGENT = "inv dev"
"""Who asks whether the backend is there."""

_REFUSED = "while connecting to upstream"
"""nginx's word for a backend that is just being restarted; the request itself is told with its status."""
_NO_BACKEND = 502


def readable(line: str) -> str:
    """A container's JSON log line for people; anything else as it is. Empty for what a developer need not see.

    >>> readable('{"level": "info", "message": "request", "method": "GET", "path": "/", "status": 200}')
    'info request GET / 200'
    """
    try:
        said = json.loads(line)
    except ValueError:
        return "" if _REFUSED in line else line.rstrip()
    if not isinstance(said, dict):
        return line.rstrip()
    path, status = str(said.get("path", "")), int(said.get("status") or 0)
    if path in ("/healthz", "/assets/dev-state.txt") or said.get("user_agent") == USER_AGENT:
        return ""
    if said.get("level") == "info" and str(said.get("logger", "")).startswith("uvicorn"):
        return ""  # how the server came up, and a port that is not the one to open
    if said.get("logger") == "nginx.access" and path.startswith("/api/") and status < _NO_BACKEND:
        return ""  # the backend tells of the same request
    words = [said.get(key) for key in ("level", "message", "method", "path", "status", "error", "exception")]
    told = " ".join(str(word) for word in words if word not in (None, ""))
    return "\n         |   ".join([told, *map(str, said.get("at", ()))])
