"""POST /api/forms and GET /api/forms/{id}: stored twice before 201, once however often it is sent."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter

import httpx
import pytest

from tests.application.fakes import TOKEN, World
from tests.application.test_contact import GOOD, KEY

pytestmark = pytest.mark.anyio
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HEADER = {"Idempotency-Key": KEY}


async def test_created_means_in_both_places(api: httpx.AsyncClient, world: World) -> None:
    """201 with the id and where to read it; the S3 object holds the form under the day it came."""
    answer = await api.post("/api/forms", json=GOOD, headers=HEADER)
    form_id = answer.json()["id"]
    assert (201, f"/api/forms/{form_id}") == (answer.status_code, answer.headers["Location"])
    document = json.loads(world.objects.stored[f"forms/forms/2026/01/02/{form_id}.json"])
    assert GOOD == {name: document[name] for name in GOOD}
    assert world.database.rows[KEY].stored_at is not None


async def test_repeating_gives_the_same_id_and_200(api: httpx.AsyncClient, world: World) -> None:
    """A repetition is told apart from the original by its status only, and writes nothing."""
    first, second = [await api.post("/api/forms", json=GOOD, headers=HEADER) for _ in range(2)]
    assert (201, 200) == (first.status_code, second.status_code)
    assert first.json() == second.json()
    assert ["put"] == world.objects.calls


async def test_duplicates_at_once_complete_once(api: httpx.AsyncClient, world: World) -> None:
    """Whatever their interleaving: one 201, one id, one object."""
    answers = await asyncio.gather(*(api.post("/api/forms", json=GOOD, headers=HEADER) for _ in range(20)))
    assert {201: 1, 200: 19} == Counter(answer.status_code for answer in answers)
    assert 1 == len({answer.json()["id"] for answer in answers})
    assert 1 == len(world.objects.stored)


async def test_other_contents_under_the_same_key_conflict(api: httpx.AsyncClient, world: World) -> None:
    """409, and neither copy of the first changes."""
    await api.post("/api/forms", json=GOOD, headers=HEADER)
    before = dict(world.objects.stored)
    answer = await api.post("/api/forms", json=GOOD | {"name": "Usha"}, headers=HEADER)
    assert (409, before) == (answer.status_code, world.objects.stored)


async def test_s3_away_means_no_201_and_a_retry_completes(api: httpx.AsyncClient, world: World) -> None:
    """503 with Retry-After while S3 fails; the form cannot be read yet; then the same request gets its 201."""
    world.objects.fail_at = frozenset({"put"})
    refused = await api.post("/api/forms", json=GOOD, headers=HEADER)
    assert (503, "5") == (refused.status_code, refused.headers["Retry-After"])
    form_id = world.database.rows[KEY].id
    assert 404 == (await api.get(f"/api/forms/{form_id}", headers=BEARER)).status_code
    world.objects.fail_at = frozenset()
    completed = await api.post("/api/forms", json=GOOD, headers=HEADER)
    assert (201, str(form_id)) == (completed.status_code, completed.json()["id"])


async def test_postgres_away_writes_nothing(api: httpx.AsyncClient, world: World) -> None:
    """503, and no object that no row knows of."""
    world.database.away = True
    answer = await api.post("/api/forms", json=GOOD, headers=HEADER)
    assert (503, {}) == (answer.status_code, world.objects.stored)


async def test_reading_needs_the_token_first(api: httpx.AsyncClient) -> None:
    """401 comes before anything that tells whether a form exists."""
    form_id = (await api.post("/api/forms", json=GOOD, headers=HEADER)).json()["id"]
    for given in ("", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}"):
        answers = [
            await api.get(f"/api/forms/{name}", headers={"Authorization": given}) for name in (form_id, "nonsense")
        ]
        assert [401, 401] == [answer.status_code for answer in answers], given
    assert 200 == (await api.get(f"/api/forms/{form_id}", headers=BEARER)).status_code
    missing = [await api.get(f"/api/forms/{name}", headers=BEARER) for name in (uuid.uuid4(), "nonsense")]
    assert [404, 404] == [answer.status_code for answer in missing]


async def test_a_long_body_is_refused_early(api: httpx.AsyncClient) -> None:
    """413 beyond 64 KiB."""
    answer = await api.post("/api/forms", content=b"x" * (64 * 1024 + 1), headers=HEADER)
    assert 413 == answer.status_code


async def test_errors_have_one_shape(api: httpx.AsyncClient) -> None:
    """Ours and the router's: problem+json with the request's id, never cached."""
    given = {"X-Request-Id": "from-the-proxy-1"}
    answers = [
        await api.post("/api/forms", content=b"{", headers=HEADER | given),
        await api.get("/nowhere", headers=given),
        await api.get("/api/uploads", headers=given),
    ]
    assert [400, 404, 405] == [answer.status_code for answer in answers]
    for answer in answers:
        assert "application/problem+json" == answer.headers["Content-Type"]
        assert {"type", "title", "status", "detail", "request_id"} <= answer.json().keys()
        assert "from-the-proxy-1" == answer.json()["request_id"] == answer.headers["X-Request-Id"]
        assert "no-store" == answer.headers["Cache-Control"]


async def test_a_bug_is_a_500_that_says_nothing(
    api: httpx.AsyncClient, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception is logged; its message stays inside."""
    world.database.bug = RuntimeError("the password is hunter2")
    answer = await api.post("/api/forms", json=GOOD, headers=HEADER)
    assert (500, False) == (answer.status_code, "hunter2" in answer.text)
    assert "unexpected error" in caplog.messages
