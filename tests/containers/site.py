"""The website as a visitor's browser reaches it: through the load balancer."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

import httpx

from deployer.model import Secret
from deployer.tools.smoke import reachable

_LOADING = re.compile(r"<(?:script|link|img|source|iframe)\b[^>]*>", re.IGNORECASE)
_CANONICAL = re.compile(r"\brel=[\"']?canonical\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\b(?:src|srcset|href)\s*=\s*[\"']?\s*(?:https?:)?//", re.IGNORECASE)


def loading_tags(html: str) -> list[str]:
    """Return the tags that make a browser load something; a canonical link only names the page itself."""
    return [tag for tag in _LOADING.findall(html) if not _CANONICAL.search(tag)]


def from_third_parties(html: str) -> list[str]:
    """Return the tags that load something from another host."""
    return [tag for tag in loading_tags(html) if _ELSEWHERE.search(tag)]


class Site:
    """HTTP against one base URL. Header values may be Secrets, which then show in no failure's report.

    Waits out the load balancer's own 502 to 504 for some seconds, nothing else.
    """

    def __init__(self, url: str, *, patience_s: float = 5.0) -> None:
        self._url = url
        self._patience_s = patience_s
        self._client = httpx.Client(timeout=10, trust_env=False)

    def get(self, path: str, headers: Mapping[str, str | Secret] | None = None) -> httpx.Response:
        """GET a path."""
        return self._send("GET", path, headers or {})

    def post(self, path: str, body: object, headers: Mapping[str, str | Secret] | None = None) -> httpx.Response:
        """POST a JSON body."""
        return self._send("POST", path, headers or {}, body)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _send(self, method: str, path: str, headers: Mapping[str, str | Secret], body: object = None) -> httpx.Response:
        target, host = reachable(f"{self._url}{path}")
        plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()}
        deadline = time.monotonic() + self._patience_s
        while True:
            response = self._client.request(method, target, headers={**plain, **host}, json=body)
            if response.status_code not in (502, 503, 504) or time.monotonic() > deadline:
                return response
            time.sleep(0.2)
