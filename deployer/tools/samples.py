"""Asks for pages as visitors do: requests for the gates of a traffic shift to judge by, where visitors are few.

Every request is a connection of its own, as most visitors' first one is: a kept one would meet one color for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from deployer.tools.reach import reachable

PATHS = ("/", "/api/version")
"""A page, and what only the backend can answer: both services of the color have their share."""

WORKERS = 4
TIMEOUT_S = 5.0
USER_AGENT = "indivillage-deployer-probe"
"""By which access logs tell these requests from visitors'."""


def sample(url: str, count: int, within_s: float, clock: Callable[[], float] = time.monotonic) -> int:
    """Send up to `count` requests below `url`, none begun after `within_s`; return how many got any answer."""
    import httpx

    target, headers = reachable(url)
    until = clock() + within_s
    answered = 0
    lock = threading.Lock()

    def ask(number: int) -> None:
        nonlocal answered
        if clock() > until:
            return
        try:
            client.get(f"{target}{PATHS[number % len(PATHS)]}")
        except httpx.HTTPError:
            return  # the load balancer counted it, or it never came: the metrics will tell, or stay silent
        with lock:
            answered += 1

    limits = httpx.Limits(max_keepalive_connections=0)
    agent = {"User-Agent": USER_AGENT}
    with (
        httpx.Client(headers=headers | agent, timeout=TIMEOUT_S, trust_env=not headers, limits=limits) as client,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        list(pool.map(ask, range(count)))
    return answered
