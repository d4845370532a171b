"""Probes against a real little server: how many, for how long, and who says they are."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from deployer.tools import samples
from tests.unit.http_server import QuietServer


class Site:
    """Answers 500 to everything, and remembers who asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.agents: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked[self.path] += 1
                outer.agents.add(self.headers["User-Agent"])
                self.send_response(500)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://site.alb.localhost:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve on a free port."""
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever)
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


def test_so_many_are_sent_to_both_services(site: Site) -> None:
    """Whatever they are answered; the metrics tell that. Access logs can tell them from visitors."""
    assert 20 == samples.sample(site.url, 20, 60.0)
    assert ({"/": 10, "/api/version": 10}, {samples.USER_AGENT}) == (dict(site.asked), site.agents)


def test_none_is_begun_after_its_time(site: Site) -> None:
    """A slow release must not keep the deployer from looking."""
    times = iter([0.0, 0.5, 0.9, *[1.1] * 20])
    assert 2 == samples.sample(site.url, 20, 1.0, lambda: next(times))


def test_nobody_there_is_no_sample() -> None:
    """Not an error either: without samples there is no verdict."""
    assert 0 == samples.sample("http://127.0.0.1:9", 4, 60.0)
