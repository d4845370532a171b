"""What each request came to, told by HAProxy as it ends: one line a request, counted here by target group.

HAProxy's own statistics hold counters and averages; a 95th percentile needs every request. The lines come through a
ring buffer and a stream socket: none of 9,000 was lost across six reloads (tried), where datagrams are dropped
whenever this process is busy for longer than the socket's buffer lasts.
"""

import logging
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("localcloud.access_log")

FORMAT = "%[var(txn.listener)] %b %s %ST %Tr"
"""The line: the listener's short name, backend, server, status, and the milliseconds until the target's headers came.

The last is -1 when they never came: then the load balancer itself answered.
"""


NO_SERVER = "<NOSRV>"


def config(folder: str) -> str:
    """What stands at the end of HAProxy's ``defaults``, and the ring that carries the lines to the socket in FOLDER."""
    return f"""    log ring@requests format raw local0
    log-format '{FORMAT}'
ring requests
    format raw
    maxlen 256
    size 1048576
    timeout connect 1s
    timeout server 1h
    server reader unix@{folder}/requests.sock log-proto octet-count
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: LISTENER and BACKEND by HAProxy's names, RESPONSE_MS None when no target answered.

    BACKEND is empty when there was no target to choose: such a request is none of the target group's.
    """

    listener: str
    backend: str
    status: int
    response_ms: int | None


@dataclass
class Tally:
    """Requests of one backend: how many, and how many of each latency and each class of status (2, 3, 4, 5)."""

    requests: int = 0
    classes: Counter[int] = field(default_factory=Counter)
    response_ms: Counter[int] = field(default_factory=Counter)


@dataclass
class Counts:
    """What was counted since the last look: by (listener, backend), and by listener what had no target's answer."""

    groups: dict[tuple[str, str], Tally] = field(default_factory=dict)
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)

    def note(self, request: Request) -> None:
        """Count one request as an Application Load Balancer does: what no target answered is the balancer's own."""
        if request.backend:
            tally = self.groups.setdefault((request.listener, request.backend), Tally())
            tally.requests += 1
            if request.response_ms is not None:
                tally.classes[request.status // 100] += 1
                tally.response_ms[request.response_ms] += 1
                return
        if request.status >= 400:
            self.refused[request.listener, request.status // 100] += 1


def parse(line: bytes) -> Request | None:
    """The request of one line; None for a line that is none (a connection without a request).

    >>> parse(b"abc tg_1 s0 200 12")
    Request(listener='abc', backend='tg_1', status=200, response_ms=12)
    >>> parse(b"abc tg_1 <NOSRV> 503 -1")
    Request(listener='abc', backend='', status=503, response_ms=None)
    """
    words = line.decode(errors="replace").split()
    if len(words) != 5 or words[0] == "-":
        return None
    listener, backend, server, status, response_ms = words
    try:
        answered, took = int(status), int(response_ms)
    except ValueError:
        return None
    chosen = backend if server != NO_SERVER else ""
    return Request(listener, chosen, answered, took if took >= 0 else None) if answered > 0 else None


class Frames:
    """Takes a stream apart into its messages, each preceded by its length (RFC 6587, octet counting)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Every message that is complete now. Raises ValueError when the stream is not one of frames."""
        self._rest += data
        while b" " in self._rest[:8]:
            length, _, after = self._rest.partition(b" ")
            if len(after) < int(length):
                return
            yield after[: int(length)]
            self._rest = after[int(length) :]


class AccessLog:
    """Listens in FOLDER to every HAProxy worker, and hands out what was counted."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "requests.sock"
        self._lock = threading.Lock()
        self._counts = Counts()

    def start(self) -> None:
        """Listen; before HAProxy starts, whose user has to be able to connect."""
        self._path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self._path))
        self._path.chmod(0o666)
        server.listen()
        threading.Thread(target=self._accept, args=(server,), daemon=True, name="localcloud-access-log").start()

    def take(self) -> Counts:
        """What was counted since the last call."""
        with self._lock:
            counts, self._counts = self._counts, Counts()
        return counts

    def _accept(self, server: socket.socket) -> None:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=self._read, args=(connection,), daemon=True, name="localcloud-requests").start()

    def _read(self, connection: socket.socket) -> None:
        frames = Frames()
        with connection:
            try:
                while data := connection.recv(65536):
                    requests = [request for line in frames.feed(data) if (request := parse(line))]
                    with self._lock:
                        for request in requests:
                            self._counts.note(request)
            except ConnectionResetError:
                pass  # a worker that a reload replaced has ended
            except ValueError:
                log.exception("HAProxy's request log cannot be read; it connects anew")
