"""Liveness, readiness, version, metrics."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.requests import Request

from app.errors import CacheAway
from app.health import Health
from app.settings import Build
from tests.application.fakes import World
from tests.application.test_contact import GOOD, KEY

pytestmark = pytest.mark.anyio


async def test_ready_says_each_check(api: httpx.AsyncClient) -> None:
    """200 with the three checks and how long each took."""
    body = (await api.get("/readyz")).json()
    assert ("ready", {"database", "cache", "bucket"}) == (body["status"], body["checks"].keys())
    assert all(check["ok"] and check["duration_ms"] >= 0 for check in body["checks"].values())


@pytest.mark.parametrize("away", ["database", "cache", "bucket"])
async def test_any_failing_check_means_not_ready_but_alive(api: httpx.AsyncClient, world: World, away: str) -> None:
    """503 that names the one that failed; /healthz does not care."""
    world.database.away = away == "database"
    world.cache.away = away == "cache"
    world.objects.fail_at = frozenset({"get"} if away == "bucket" else ())
    answer = await api.get("/readyz")
    failed = [name for name, check in answer.json()["checks"].items() if not check["ok"]]
    assert (503, [away]) == (answer.status_code, failed)
    assert "Away" in answer.json()["checks"][away]["error"]
    assert 200 == (await api.get("/healthz")).status_code


async def test_checks_run_at_once_each_with_its_own_limit() -> None:
    """A service that hangs costs the time limit, once; the other checks keep their result."""

    async def hangs() -> None:
        await asyncio.Event().wait()

    async def fails() -> None:
        raise CacheAway("ConnectionError")

    async def passes() -> None:
        return None

    health = Health({"a": hangs, "b": hangs, "c": fails, "d": passes}, Build("", "", "", "", ""), timeout_s=0.05)
    started = asyncio.get_running_loop().time()
    answer = await health.readyz(Request({"type": "http"}))
    assert asyncio.get_running_loop().time() - started < 0.09
    assert 503 == answer.status_code
    assert bytes(answer.body).count(b"no answer within 0.05 s") == 2
    assert b"CacheAway: ConnectionError" in answer.body


async def test_who_asks_meanwhile_hears_the_same_and_who_asks_later_asks_anew() -> None:
    """Many load balancers that ask at once make one connection, and nobody hears of yesterday."""
    asked = 0
    go_on = asyncio.Event()

    async def counts() -> None:
        nonlocal asked
        asked += 1
        await go_on.wait()

    health = Health({"a": counts}, Build("", "", "", "", ""))
    both = [asyncio.create_task(health.ready()) for _ in range(2)]
    await asyncio.sleep(0)
    both[0].cancel()
    go_on.set()
    assert (await both[1])["a"]["ok"]
    assert 1 == asked
    await health.ready()
    assert 2 == asked


async def test_a_bug_in_a_check_is_not_remembered() -> None:
    """Whoever asks next has the checks run again."""
    bugs = [RuntimeError("a bug")]

    async def fails_once() -> None:
        if bugs:
            raise bugs.pop()

    health = Health({"a": fails_once}, Build("", "", "", "", ""))
    with pytest.raises(RuntimeError):
        await health.ready()
    assert (await health.ready())["a"]["ok"]


async def test_the_checks_run_before_anybody_asks(world: World) -> None:
    """The first readiness probe finds the connections made."""
    app = world.app()
    async with app.router.lifespan_context(app):
        for _ in range(10):
            await asyncio.sleep(0)
        assert world.database.pings


async def test_version_is_the_deployments(api: httpx.AsyncClient) -> None:
    """The smoke test compares these with the release."""
    body = (await api.get("/api/version")).json()
    assert ("dev-20260101T000000Z-abcdef0", "abcdef0", "blue") == (body["release"], body["commit"], body["color"])


async def test_metrics_count_by_endpoint_not_by_path(api: httpx.AsyncClient) -> None:
    """A scan of paths that do not exist cannot fill the metrics; forms are counted by result."""
    await api.get("/wp-admin/setup.php")
    await api.get("/api/forms/some-id")
    await api.post("/api/forms", json=GOOD, headers={"Idempotency-Key": KEY})
    text = (await api.get("/metrics")).text
    assert 'indivillage_requests_total{endpoint="none",method="GET",status="404"}' in text
    assert 'indivillage_requests_total{endpoint="read_form",method="GET",status="401"}' in text
    assert 'indivillage_forms_total{result="created"}' in text
    assert "wp-admin" not in text
    assert "some-id" not in text
