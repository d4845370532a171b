"""The load generator: it asks on time whatever is answered, and counts what nobody answered."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from itertools import pairwise

import pytest

from tests.load import generator
from tests.load.answers import Seen
from tests.load.exchange import LOOPBACK
from tests.load.generator import Connections, ask, due_times, load, run, schedule
from tests.load.kinds import MIB, Kind, fresh, kept_alive, slow_form, upload
from tests.unit.http_server import QuietServer


class Server:
    """An HTTP server on loopback that answers `status`, but nobody before `patience` requests have come."""

    def __init__(self) -> None:
        self.status, self.patience, self.asked, self.connections = 200, 0, 0, 0
        self.received: list[tuple[str, bytes]] = []
        self.hang_up = False
        self._changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.received.append((self.path, body))
                outer.wait()
                self.close_connection = outer.hang_up or self.headers.get("Connection") == "close"
                answer = b'{"color": "green", "release": "r1", "id": "7"}'
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = QuietServer((LOOPBACK, 0), Handler)
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


def loaded(server: Server, *kinds: Kind, most_s: float) -> Seen:
    """All that became of these kinds within that time."""
    return asyncio.run(run((LOOPBACK, server.port), "site", kinds, threading.Event(), most_s))


def test_requests_are_due_at_even_times_and_bounded() -> None:
    """Rate times seconds, no more."""
    times = list(due_times(100, 1.5))

    assert 150 == len(times)
    assert {0.01} == {round(after - before, 9) for before, after in pairwise(times)}


def test_kinds_take_their_turns_each_at_its_own_rate() -> None:
    """In order of time, and not all at the first instant."""
    plan = list(schedule([fresh(4), fresh(2)], 1))

    assert [(0.0, 0, 0), (0.25, 0, 1), (0.25, 1, 0), (0.5, 0, 2), (0.75, 0, 3), (0.75, 1, 1)] == plan


def test_a_server_that_stalls_is_asked_on_and_the_wait_is_counted(server: Server) -> None:
    """It answers the first request only once the tenth has come: who waits for answers would never get there."""
    server.patience = 10

    seen = loaded(server, fresh(20, "/"), most_s=0.5)

    assert (10, 10, 0) == (seen.sent, server.asked, seen.dropped)
    # The first was due 0.45 s before the last was even sent.
    assert seen.percentile_ms(100) > 450


def test_what_is_not_answered_well_is_dropped(server: Server) -> None:
    """Whether it was refused or answered with an error."""
    server.status = 503

    seen = loaded(server, fresh(50, "/"), most_s=0.1)

    assert (5, {"503": 5}) == (seen.dropped, seen.outcomes())
    assert {'{"color": "green", "release": "r1", "id": "7"}'} == {answer.said for answer in seen.answers}


def test_nobody_listening_is_counted_by_its_name() -> None:
    """The load goes on; that nobody is there is a result."""
    gone = Server()
    gone.stop()

    seen = loaded(gone, fresh(50, "/"), most_s=0.1)

    assert {"ConnectionRefusedError": 5} == seen.outcomes()


def test_a_connection_is_kept_and_used_again(server: Server) -> None:
    """The one that has been idle longest; two of them, in turns."""
    kind = kept_alive(2, 1)

    async def four() -> list[str]:
        connections = Connections(kind, (LOOPBACK, server.port), "site")
        outcomes = [(await ask(kind, number, connections, time.monotonic())).outcome for number in range(4)]
        connections.close()
        return outcomes

    assert (["200"] * 4, 2) == (asyncio.run(four()), server.connections)


def test_a_connection_that_was_closed_while_idle_is_not_used(server: Server) -> None:
    """As a browser does: a new one is opened, and nobody is harmed."""
    server.hang_up = True

    seen = loaded(server, kept_alive(40, 0.1), most_s=0.5)

    assert (20, 0, 20) == (seen.sent, seen.dropped, server.connections)


def test_each_request_has_a_new_connection_unless_kept(server: Server) -> None:
    """What a visitor meets who comes for the first time."""
    loaded(server, fresh(50), most_s=0.2)

    assert 10 == server.connections


def test_a_slow_form_takes_its_time_and_arrives_whole(server: Server) -> None:
    """Under a key of its own each; who answered is noted, and under which id it is kept."""
    server.status = 201
    seen = loaded(server, slow_form(10, "run", takes_s=0.3), most_s=0.2)

    keys = [f"load-run-{number:07d}" for number in (0, 1)]
    assert keys == sorted(answer.key for answer in seen.answers)
    assert {("201", "green", "r1", "7")} == {(a.outcome, a.color, a.release, a.stored) for a in seen.answers}
    assert all(answer.latency_s >= 0.3 for answer in seen.answers)
    bodies = sorted(body for _, body in server.received)
    assert [True, True] == [key.encode() in body for key, body in zip(keys, bodies, strict=True)]


def test_an_upload_is_as_large_as_it_says(server: Server) -> None:
    """A document that the site takes for a PDF, under a name of its own."""
    loaded(server, upload(10, "run", takes_s=0.1, size=2 * MIB), most_s=0.1)

    [(path, body)] = server.received
    assert ("/api/uploads?filename=load-run-0000000.pdf", 2 * MIB, b"%PDF-") == (path, len(body), body[:5])


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    """A connection that is closed in the middle of a request counts, by name."""

    async def serve_and_load() -> Seen:
        async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.close()

        server = await asyncio.start_server(cut, LOOPBACK, 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await run((LOOPBACK, port), "site", [fresh(20)], threading.Event(), 0.2)

    seen = asyncio.run(serve_and_load())
    assert 4 == seen.dropped
    assert set(seen.outcomes()) <= {"NoAnswer", "ConnectionResetError"}


def test_patience_ends(server: Server) -> None:
    """A visitor who gets no answer leaves, and that is a failure."""
    server.patience = 99
    impatient = Kind("impatient", 20, fresh(1).make, timeout_s=0.1)

    seen = loaded(server, impatient, most_s=0.1)
    server.patience = 0

    assert {"TimeoutError": 2} == seen.outcomes()


def test_when_each_was_due_is_told_by_the_clock(server: Server) -> None:
    """So that it can be set beside what the load balancer was told at that time."""
    before = time.time()
    seen = loaded(server, fresh(20), most_s=0.2)

    dues = sorted(answer.due - before for answer in seen.answers)
    assert [True] * 4 == [abs(due - dues[0] - index / 20) < 0.01 for index, due in enumerate(dues)]
    assert all(answer.late_s < 1 for answer in seen.answers)


def test_the_load_runs_while_the_block_does_and_waits_for_its_answers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With something before and after."""
    monkeypatch.setattr(generator, "LEAD_S", 0.1)
    with load(f"http://site.localhost:{server.port}", [fresh(50)], most_s=60) as seen:
        assert 0 == seen.sent

    assert seen.sent >= 5
    assert 0 == seen.dropped


def test_only_this_machine_is_put_under_load() -> None:
    """A typo must not hammer somebody's site."""
    with pytest.raises(ValueError, match="only this machine"), load("http://dev.indivillage.com", [], most_s=1):
        pass
    with (
        pytest.raises(ValueError, match="only this machine"),
        load("http://site.localhost", [], most_s=1, at=("203.0.114.1", 80)),
    ):
        pass
