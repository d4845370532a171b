"""A rate limit that all backend containers share, kept in Redis.

A fixed window of 60 s per client address: one Lua script counts and sets the expiry in a single step, so no request is
lost between two commands. When Redis is away requests pass (a contact form matters more than the limit), which is
counted in `indivillage_rate_limit_skipped_total` and logged.
"""

import ipaddress
import logging
import time
from typing import Final, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request

from app import metrics
from app.errors import CacheAway
from app.problems import Problem

log = logging.getLogger("app.rate_limit")

WINDOW_S: Final = 60
_PAUSE_S: Final = 5.0
_COUNT: Final = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {used, redis.call('PTTL', KEYS[1])}
"""


class Cache(Protocol):
    """Counts calls of one key within a window; raises CacheAway."""

    async def hit(self, key: str) -> tuple[int, float]:
        """Count one call; return (calls in this window so far, seconds until the window ends)."""
        ...

    async def ping(self) -> None:
        """Ask whether the counter is there."""
        ...


class RedisCache:
    """The counter in Redis, whose every failure becomes CacheAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(_COUNT)

    async def hit(self, key: str) -> tuple[int, float]:
        """Count one call of KEY, atomically."""
        try:
            used, left_ms = await self._script(keys=[f"rate:{key}"], args=[WINDOW_S * 1000])
        except RedisError as error:
            raise CacheAway(type(error).__name__) from error
        return int(used), max(int(left_ms), 0) / 1000

    async def ping(self) -> None:
        """Ask whether Redis answers."""
        try:
            await self._redis.ping()
        except RedisError as error:
            raise CacheAway(type(error).__name__) from error


def visitor(address: str) -> str:
    """Return what stands for one visitor: an IPv4 address, or the /64 that one IPv6 line is given."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


class RateLimit:
    """Refuses the call after LIMIT calls in a window; lets everything pass while the counter is away."""

    def __init__(self, cache: Cache, limit: int) -> None:
        self._cache = cache
        self._limit = limit
        self._away_until = 0.0

    async def check(self, request: Request) -> None:
        """Count REQUEST against its client address; raises Problem 429 with Retry-After beyond the limit."""
        if time.monotonic() < self._away_until:
            metrics.RATE_LIMIT_SKIPPED.inc()
            return
        try:
            used, left_s = await self._cache.hit(visitor(request.scope["client_ip"]))
        except CacheAway as error:
            # Redis is asked again after a pause, so its time-outs are not added to every request meanwhile.
            self._away_until = time.monotonic() + _PAUSE_S
            metrics.RATE_LIMIT_SKIPPED.inc()
            log.warning("rate limit not enforced: Redis did not answer", extra={"error": str(error)})
            return
        if used > self._limit:
            metrics.RATE_LIMITED.inc()
            wait_s = max(1, round(left_s + 0.5))
            raise Problem(
                429,
                f"Too many requests from your address. Please try again in {wait_s} seconds.",
                headers={"Retry-After": str(wait_s)},
            )
