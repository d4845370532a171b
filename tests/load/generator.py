"""A constant load that does not hide stalls: requests start at fixed times, whatever became of those before.

A generator that waits for an answer before it asks again asks seldom while nothing answers, and so sees little of an
outage ("coordinated omission"). Here each request has a time at which it is due, and its latency counts from that time.
Bounded in number and in time, and only ever to this machine.
"""

from __future__ import annotations

import asyncio
import heapq
import ipaddress
import json
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import h11

from tests.load.answers import Answer, Seen
from tests.load.exchange import LOOPBACK, Connection, NoAnswer, Place
from tests.load.kinds import Kind

FAILURES = (OSError, TimeoutError, ValueError, NoAnswer, h11.ProtocolError)
PRIORITY = -10
MOST_SAID = 120
LEAD_S = 1.0
"""How long it runs before and after what is measured: an outage may begin late."""


def due_times(rate: float, most_s: float, first_s: float = 0.0) -> Iterator[float]:
    """Yield when each request is due, in seconds from the start: evenly, and independent of any answer.

    >>> list(due_times(4, 1))
    [0.0, 0.25, 0.5, 0.75]
    """
    for number in range(int(rate * most_s)):
        yield first_s + number / rate


def schedule(kinds: Sequence[Kind], most_s: float) -> Iterator[tuple[float, int, int]]:
    """Yield (due, index of the kind, number within the kind) in order; kinds start shifted, not all in one instant."""

    def times(index: int, kind: Kind) -> Iterator[tuple[float, int, int]]:
        first_s = index / len(kinds) / kind.rate
        for number, due in enumerate(due_times(kind.rate, most_s, first_s)):
            yield due, index, number

    return heapq.merge(*(times(index, kind) for index, kind in enumerate(kinds)))


class Connections:
    """The connections of one kind: new ones, or those that are kept."""

    def __init__(self, kind: Kind, place: Place, host: str) -> None:
        self._open = partial(Connection.open, place, host)
        self._keep = kind.keep
        self._idle: deque[Connection] = deque()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Connection]:
        """A new one until there are enough, then the one that has been idle longest and is still open."""
        made = None
        while made is None and self._keep and len(self._idle) >= self._keep:
            oldest = self._idle.popleft()
            if oldest.usable:
                made = oldest
            else:
                oldest.close()
        made = made or await self._open()
        try:
            yield made
        finally:
            if self._keep and made.usable:
                self._idle.append(made)
            else:
                made.close()

    def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.popleft().close()


async def ask(kind: Kind, number: int, connections: Connections, due: float) -> Answer:
    """Make one request that was due at `due` (monotonic); whatever happens is an answer."""
    request, key = kind.make(number)
    late_s = time.monotonic() - due
    told: dict[str, str] = {}
    said = ""
    try:
        async with asyncio.timeout(kind.timeout_s), connections.one() as connection:
            status, body = await connection.ask(request, last=not kind.keep)
            outcome, told = str(status), _told(body)
            said = "" if status < 300 else body[:MOST_SAID].decode(errors="replace").replace("\n", " ")
    except FAILURES as error:
        outcome = type(error).__name__
    return Answer(
        outcome,
        latency_s=time.monotonic() - due,
        kind=kind.name,
        due=time.time() - (time.monotonic() - due),
        late_s=late_s,
        color=told.get("color", ""),
        release=told.get("release", ""),
        key=key,
        stored=told.get("id", ""),
        said=said,
    )


def _told(body: bytes) -> dict[str, str]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}


async def run(place: Place, host: str, kinds: Sequence[Kind], over: threading.Event, most_s: float) -> Seen:
    """Load until `over`, and wait for what is under way."""
    seen = Seen()
    pools = [Connections(kind, place, host) for kind in kinds]

    async def request(index: int, number: int, due: float) -> None:
        seen.answers.append(await ask(kinds[index], number, pools[index], due))

    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for offset, index, number in schedule(kinds, most_s):
            due = begun + offset
            # Late is late: what is overdue is sent at once, and its latency tells.
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if over.is_set():
                break
            group.create_task(request(index, number, due))
    for pool in pools:
        pool.close()
    return seen


@contextmanager
def load(url: str, kinds: Sequence[Kind], *, most_s: float, at: Place | None = None) -> Iterator[Seen]:
    """Keep using the site at `url` while the block runs, and a little before and after; the block's Seen fills up.

    `url` names a load balancer of the local cloud: its host goes into the Host header, the connection to loopback, or
    to `at`: an address of a container, where the engine's own proxy for published ports is not to be measured too.
    """
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith("localhost") and parts.hostname != LOOPBACK:
        raise ValueError(f"only this machine is put under load, not {url}")
    place = at or (LOOPBACK, parts.port or 80)
    if not ipaddress.ip_address(place[0]).is_private:
        raise ValueError(f"only this machine is put under load, not {place[0]}")
    over, seen, failures = threading.Event(), Seen(), list[BaseException]()

    def work() -> None:
        with suppress(OSError):  # where it may: on a busy machine the site is to be late, not who measures it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), PRIORITY)
        try:
            seen.answers = asyncio.run(run(place, parts.netloc, kinds, over, most_s)).answers
        except Exception as error:  # noqa: BLE001 - told where the load was asked for
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True, name="load")
    thread.start()
    try:
        over.wait(LEAD_S)
        yield seen
        over.wait(LEAD_S)
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]
