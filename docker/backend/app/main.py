"""Composition root: builds the parts, binds them to routes, opens and closes them with the process."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from app import metrics
from app.cache_login import RoleLogin
from app.database import Database, make_pool
from app.database_login import StoredLogin
from app.forms import Forms
from app.health import Health, healthz
from app.middleware import RequestContext
from app.objects import Objects
from app.problems import Problem, on_http_error, on_problem
from app.rate_limit import Cache, RateLimit, RedisCache
from app.settings import Settings
from app.uploads import Uploads

log = logging.getLogger("app")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoints stand on: the seam at which tests put fakes."""

    database: Database
    objects: Objects
    cache: Cache
    lifespan: contextlib.AbstractAsyncContextManager[None]


def real_parts(settings: Settings) -> Parts:
    """Return the parts that speak to Postgres, Redis and S3. Nothing is connected yet."""
    secret = settings.database_secret
    database = Database(functools.partial(make_pool, StoredLogin(secret, settings.region) if secret else None))
    user, cluster = settings.redis_iam_user, settings.redis_iam_cluster
    redis = Redis.from_url(
        settings.redis_url.reveal(),
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        retry=Retry(NoBackoff(), 1),
        credential_provider=RoleLogin(user, cluster, settings.region) if user and cluster else None,
    )
    objects = Objects(settings)

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        # Connects to nothing: a container that starts during a database outage reports "not ready" instead of crashing.
        await database.open()
        try:
            yield
        finally:
            # At once: together they have what is left between GRACE_S and stopTimeout.
            await asyncio.gather(database.close(timeout_s=3), objects.close())
            await redis.aclose()

    return Parts(database, objects, RedisCache(redis), lifespan())


def create_app(settings: Settings, parts: Parts) -> Starlette:
    """Return the ASGI application."""
    limit = RateLimit(parts.cache, settings.rate_limit_per_minute)
    forms = Forms(parts.database, parts.objects, settings.forms_bucket, limit, settings.api_token)
    uploads = Uploads(parts.objects, settings.uploads_bucket, limit, settings.request_timeout_s)

    async def buckets() -> None:
        await asyncio.gather(*map(parts.objects.head, (settings.forms_bucket, settings.uploads_bucket)))

    health = Health({"database": parts.database.ping, "cache": parts.cache.ping, "bucket": buckets}, settings.build)
    build = settings.build
    metrics.BUILD.labels(build.release, build.commit, build.color).set(1)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with parts.lifespan:
            log.info("started", extra={"release": build.release, "commit": build.commit, "color": build.color})
            # Whoever asks first, mostly a load balancer, need not wait for connections that can be made meanwhile.
            first = asyncio.create_task(health.ready())
            yield
            first.cancel()
        log.info("stopped")

    return Starlette(
        routes=[
            Route("/api/forms", forms.create_form, methods=["POST"]),
            Route("/api/forms/{id}", forms.read_form),
            Route("/api/uploads", uploads.create_upload, methods=["POST"]),
            Route("/api/version", health.version),
            Route("/healthz", healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", metrics.metrics),
        ],
        middleware=[Middleware(RequestContext, trusted_hops=settings.trusted_hops)],
        exception_handlers={Problem: on_problem, HTTPException: on_http_error},
        lifespan=lifespan,
    )
