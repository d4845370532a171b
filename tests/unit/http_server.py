"""The HTTP server of tests, whose clients may hang up at any moment."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class QuietServer(ThreadingHTTPServer):
    """Says nothing of a client that has gone: from a thread of its own it would do so in the midst of another test."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell what a handler raised, but for that."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
