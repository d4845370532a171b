"""The rate limit: who is counted, who is refused, and what happens without Redis."""

from __future__ import annotations

import logging

import pytest
from prometheus_client import REGISTRY
from starlette.datastructures import Headers

from app import rate_limit
from app.proxies import client_ip
from tests.application.conftest import client_of
from tests.application.fakes import World
from tests.application.test_contact import GOOD


def key(number: int) -> dict[str, str]:
    """A client key as a header."""
    return {"Idempotency-Key": f"key-of-this-test-{number:04d}"}


@pytest.mark.anyio
async def test_the_call_after_the_limit_is_refused(world: World) -> None:
    """429 with Retry-After from the window's end; another address is not affected; /api/version is free."""
    async with client_of(world, rate_limit_per_minute=2, trusted_hops=1) as client:
        answers = [
            await client.post("/api/forms", json=GOOD, headers=key(n) | {"X-Forwarded-For": "203.0.113.5"})
            for n in range(3)
        ]
        other = await client.post("/api/forms", json=GOOD, headers=key(9) | {"X-Forwarded-For": "203.0.113.6"})
        version = await client.get("/api/version")
    assert [201, 201, 429] == [answer.status_code for answer in answers]
    assert ("42", "42 seconds" in answers[2].json()["detail"]) == (answers[2].headers["Retry-After"], True)
    assert (201, 200) == (other.status_code, version.status_code)
    assert {"203.0.113.5": 3, "203.0.113.6": 1} == world.cache.counts


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/forms"), ("POST", "/api/uploads"), ("GET", "/api/forms/x")]
)
async def test_every_expensive_endpoint_is_limited(world: World, method: str, path: str) -> None:
    """Guessing tokens is limited as well as sending."""
    async with client_of(world, rate_limit_per_minute=0) as client:
        assert 429 == (await client.request(method, path)).status_code


@pytest.mark.anyio
async def test_without_redis_requests_pass_and_it_shows(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails open, counts and logs it once a pause, does not ask Redis each time, and enforces again later."""
    now = 1000.0
    monkeypatch.setattr("app.rate_limit.time.monotonic", lambda: now)
    before = REGISTRY.get_sample_value("indivillage_rate_limit_skipped_total") or 0.0
    world.cache.away = True
    async with client_of(world, rate_limit_per_minute=1) as client:
        with caplog.at_level(logging.WARNING, "app.rate_limit"):
            passed = [await client.post("/api/forms", json=GOOD, headers=key(n)) for n in range(3)]
        assert [201, 201, 201] == [answer.status_code for answer in passed]
        assert (1, ["rate limit not enforced: Redis did not answer"]) == (world.cache.asked, caplog.messages)
        assert before + 3 == REGISTRY.get_sample_value("indivillage_rate_limit_skipped_total")
        world.cache.away, now = False, 1006.0
        limited = [await client.post("/api/forms", json=GOOD, headers=key(n)) for n in (4, 5)]
    assert [201, 429] == [answer.status_code for answer in limited]


@pytest.mark.parametrize(
    ("forwarded", "hops", "expected"),
    [
        (["203.0.113.5, 10.0.0.1, 10.0.1.1"], 3, "203.0.113.5"),
        (["6.6.6.6, 203.0.113.5, 10.0.0.1, 10.0.1.1"], 3, "203.0.113.5"),
        (["6.6.6.6", "203.0.113.5"], 1, "203.0.113.5"),
        (["203.0.113.5"], 3, "203.0.113.5"),
        (["2001:DB8::1, 10.0.0.1, 10.0.1.1"], 3, "2001:db8::1"),
        (["garbage, 10.0.0.1, 10.0.1.1"], 3, "192.0.2.1"),
        (["6.6.6.6"], 0, "192.0.2.1"),
        ([], 3, "192.0.2.1"),
    ],
)
def test_only_what_our_proxies_wrote_is_believed(forwarded: list[str], hops: int, expected: str) -> None:
    """A visitor who sends X-Forwarded-For cannot pass for another one."""
    headers = Headers(raw=[(b"x-forwarded-for", line.encode()) for line in forwarded])
    assert expected == client_ip(headers, ("192.0.2.1", 1234), hops)


def test_one_ipv6_line_is_one_visitor() -> None:
    """A /64 holds more addresses than the limit can count; an IPv4 address and a name stand for themselves."""
    assert rate_limit.visitor("2001:db8:1:2::7") == rate_limit.visitor("2001:db8:1:2:ffff::8") == "2001:db8:1:2::/64"
    assert rate_limit.visitor("2001:db8:1:3::7") != rate_limit.visitor("2001:db8:1:2::7")
    assert ["203.0.113.5", "unknown"] == [rate_limit.visitor(text) for text in ("203.0.113.5", "unknown")]


def test_the_script_counts_and_expires_in_one_step() -> None:
    """One script, so that a crash between two commands cannot leave a counter that never ends."""
    assert ["INCR", "PEXPIRE", "PTTL"] == [
        word for word in ("INCR", "PEXPIRE", "PTTL") if f"'{word}'" in rate_limit._COUNT
    ]
