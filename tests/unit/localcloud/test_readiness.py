"""What a cloud says of itself on its status page, and what is made of an answer that is none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from localcloud import readiness
from localcloud.names import STATUS_PATH
from tests.unit.http_server import QuietServer


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Serve `body` as the status page; yields the port."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == STATUS_PATH else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with QuietServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "name", "failure"),
    [
        (200, b'{"name": "cloud-1", "ready": true, "failure": ""}', "cloud-1", ""),
        (503, b'{"name": "cloud-1", "ready": false, "failure": "disk full"}', "cloud-1", "disk full"),
        (200, b'{"ready": true, "failure": ""}', "", ""),
        (404, b"not found", "", "127.0.0.1:PORT answers 404"),
        (500, b"[]", "", "127.0.0.1:PORT answers 500"),
    ],
)
def test_what_the_page_says(status: int, body: bytes, name: str, failure: str) -> None:
    """Its name and why it is not ready; a cloud of before told no name, other programs tell nothing."""
    with answering(status, body) as port:
        assert (name, failure.replace("PORT", str(port))) == (readiness.name(port), readiness.failure(port))


@pytest.mark.parametrize("ask", [readiness.name, readiness.failure])
def test_nobody_answers(ask: Callable[[int], str]) -> None:
    """An unused port has no name, and says so when it was waited for."""
    with answering(200, b"") as port:
        pass

    assert ask(port) == ("" if ask is readiness.name else f"nothing answers at 127.0.0.1:{port}")
