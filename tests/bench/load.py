"""A constant load that does not hide stalls: requests start at fixed times, whatever became of those before.

A generator that waits for an answer before it asks again asks seldom while nothing answers, and so sees little of an
outage ("coordinated omission"). Here each request has a time at which it is due; its latency counts from that time, and
a new connection is made for each. Bounded in number and in time, and only ever to this machine.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
RATE = 100
"""Requests a second."""
MOST_S = 150.0
TIMEOUT_S = 10.0
LEAD_S = 1.0
"""How long it runs before and after what is measured: an outage may begin late."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request: a status, or the name of what went wrong, and seconds since it was due."""

    outcome: str
    latency_s: float


@dataclass(slots=True)
class Seen:
    """What the load met. Dropped is every request that was not answered 200."""

    answers: list[Answer] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many requests were made."""
        return len(self.answers)

    @property
    def dropped(self) -> int:
        """How many of them failed whoever asked."""
        return sum(answer.outcome != "200" for answer in self.answers)

    def outcomes(self) -> dict[str, int]:
        """How often each outcome was met, the most frequent first."""
        return dict(Counter(answer.outcome for answer in self.answers).most_common())

    def percentile_ms(self, percent: float) -> float:
        """A latency that `percent` of the answered requests did not exceed (nearest rank); nan without any."""
        answered = sorted(answer.latency_s for answer in self.answers if answer.outcome == "200")
        return 1000 * answered[max(0, math.ceil(percent / 100 * len(answered)) - 1)] if answered else math.nan

    def told(self) -> str:
        """One line for people."""
        bad = {outcome: count for outcome, count in self.outcomes().items() if outcome != "200"}
        why = f" ({', '.join(f'{count} {outcome}' for outcome, count in bad.items())})" if bad else ""
        latencies = ", ".join(f"p{percent} {self.percentile_ms(percent):.0f} ms" for percent in (50, 99, 100))
        return f"{self.dropped} of {self.sent} requests dropped{why}; {latencies}"


def due_times(rate: float, most_s: float) -> Iterator[float]:
    """Yield when each request is due, in seconds from the start: evenly, and independent of any answer.

    >>> list(due_times(4, 1))
    [0.0, 0.25, 0.5, 0.75]
    """
    for number in range(int(rate * most_s)):
        yield number / rate


async def ask(port: int, host: str, path: str) -> str:
    """GET `path` on a new connection; return the status, or the name of the exception."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                status = (await reader.readline()).split()
                await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        return type(error).__name__
    return status[1].decode() if len(status) > 1 else "no answer"


async def run(port: int, host: str, path: str, over: threading.Event, rate: float, most_s: float) -> Seen:
    """Load until `over`, and wait for what is under way."""
    seen = Seen()

    async def request(due: float) -> None:
        outcome = await ask(port, host, path)
        seen.answers.append(Answer(outcome, time.monotonic() - due))

    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for offset in due_times(rate, most_s):
            due = begun + offset
            # Late is late: what is overdue is sent at once, and its latency tells.
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if over.is_set():
                break
            group.create_task(request(due))
    return seen


@contextmanager
def load(url: str, path: str = "/api/version", *, rate: float = RATE, most_s: float = MOST_S) -> Iterator[Seen]:
    """Keep asking for `url` + `path` while the block runs, and a little before and after; the block's Seen fills up.

    `url` names a load balancer of the local cloud: its host goes into the Host header, the connection to loopback.
    """
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith("localhost") and parts.hostname != LOOPBACK:
        raise ValueError(f"only this machine is put under load, not {url}")
    over, seen, failures = threading.Event(), Seen(), list[BaseException]()

    def work() -> None:
        try:
            seen.answers = asyncio.run(run(parts.port or 80, parts.netloc, path, over, rate, most_s)).answers
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


def together(parts: Sequence[Seen]) -> Seen:
    """All that several loads met."""
    return Seen([answer for part in parts for answer in part.answers])
