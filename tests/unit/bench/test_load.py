"""The load generator: it asks on time whatever is answered, and counts what nobody answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest

from tests.bench import load as generator
from tests.bench.load import Answer, Seen, due_times, load, run, together


class Server:
    """An HTTP server on loopback that answers `status`, but nobody before `patience` requests have come."""

    def __init__(self) -> None:
        self.status, self.patience, self.asked = 200, 0, 0
        self._changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.wait()
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer((generator.LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Count a request and hold it while there are too few."""
        with self._changed:
            self.asked += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.asked >= self.patience, timeout=30)

    def stop(self) -> None:
        """Nobody listens any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers at once."""
    made = Server()
    yield made
    made.stop()


def test_requests_are_due_at_even_times_and_bounded() -> None:
    """Rate times seconds, no more."""
    times = list(due_times(100, 1.5))

    assert 150 == len(times)
    assert {0.01} == {round(after - before, 9) for before, after in pairwise(times)}


def test_a_server_that_stalls_is_asked_on_and_the_wait_is_counted(server: Server) -> None:
    """It answers the first request only once the tenth has come: who waits for answers would never get there."""
    server.patience = 10

    seen = asyncio.run(run(server.port, "site", "/", threading.Event(), rate=20, most_s=0.5))

    assert (10, 10, 0) == (seen.sent, server.asked, seen.dropped)
    # The first was due 0.45 s before the last was even sent.
    assert seen.percentile_ms(100) > 450


def test_what_is_not_answered_200_is_dropped(server: Server) -> None:
    """Whether it was refused or answered with an error."""
    server.status = 503

    seen = asyncio.run(run(server.port, "site", "/", threading.Event(), rate=50, most_s=0.1))

    assert (5, {"503": 5}) == (seen.dropped, seen.outcomes())


def test_nobody_listening_is_counted_by_its_name() -> None:
    """The load goes on; that nobody is there is a result."""
    gone = Server()
    gone.stop()

    seen = asyncio.run(run(gone.port, "site", "/", threading.Event(), rate=50, most_s=0.1))

    assert {"ConnectionRefusedError": 5} == seen.outcomes()


def test_the_load_runs_while_the_block_does_and_waits_for_its_answers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With something before and after."""
    monkeypatch.setattr(generator, "LEAD_S", 0.1)
    with load(f"http://site.localhost:{server.port}", rate=50) as seen:
        assert 0 == seen.sent

    assert seen.sent >= 5
    assert 0 == seen.dropped


def test_only_this_machine_is_put_under_load() -> None:
    """A typo must not hammer somebody's site."""
    with pytest.raises(ValueError, match="only this machine"), load("http://dev.indivillage.com"):
        pass


def test_figures_of_several_loads_add_up() -> None:
    """Percentiles are of the answered ones, by nearest rank."""
    one = Seen([Answer("200", 0.010), Answer("200", 0.020)])
    two = Seen([Answer("503", 9.0), Answer("200", 0.030)])
    both = together([one, two])

    assert (4, 1, 20, 30) == (both.sent, both.dropped, both.percentile_ms(50), both.percentile_ms(99))
    assert "1 of 4 requests dropped (1 503); p50 20 ms, p99 30 ms, p100 30 ms" == both.told()
