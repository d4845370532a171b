"""POST /api/uploads: types, sizes, bounded parts, and nothing left behind."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.requests import ClientDisconnect

from app import objects, uploads
from tests.application.fakes import World

pytestmark = pytest.mark.anyio
PDF = {"Content-Type": "application/pdf"}
PART = objects.PART_BYTES


async def stream(size: int, piece: int = 1_000_003) -> AsyncIterator[bytes]:
    """Yield SIZE bytes that begin as a PDF does, in pieces that fit no part."""
    body = b"%PDF-1.7".ljust(min(size, piece), b".")
    sent = 0
    while sent < size:
        yield body[: size - sent]
        sent += len(body[: size - sent])


async def send(api: httpx.AsyncClient, size: int, name: str = "cv.pdf") -> httpx.Response:
    """Upload SIZE bytes as NAME."""
    return await api.post("/api/uploads", params={"filename": name}, content=stream(size), headers=PDF)


@pytest.mark.parametrize("size", [8, PART - 1, PART, PART + 1, 3 * PART, uploads.MAX_BYTES])
async def test_every_size_arrives_whole(api: httpx.AsyncClient, world: World, size: int) -> None:
    """Around the edges of a part and at the limit: what is stored is what was sent, in parts of bounded size."""
    answer = await send(api, size)
    assert 201 == answer.status_code, answer.text
    (stored,) = world.objects.stored.values()
    assert [size, size] == [len(stored), answer.json()["size_bytes"]]
    assert hashlib.sha256(stored).hexdigest() == answer.json()["sha256"]
    assert world.objects.largest <= PART
    assert {} == world.objects.pending


async def test_beyond_the_limit_nothing_is_kept(api: httpx.AsyncClient, world: World) -> None:
    """413 in the middle of the stream; the parts are aborted."""
    answer = await send(api, uploads.MAX_BYTES + 1)
    assert (413, {}, {}) == (answer.status_code, world.objects.stored, world.objects.pending)
    assert "abort" in world.objects.calls


async def test_a_declared_length_beyond_the_limit_is_refused_unread(api: httpx.AsyncClient, world: World) -> None:
    """413 by Content-Length alone, before S3 is touched."""
    answer = await api.post(
        "/api/uploads?filename=a.pdf", content=b"%PDF-", headers=PDF | {"Content-Length": str(uploads.MAX_BYTES + 1)}
    )
    assert (413, []) == (answer.status_code, world.objects.calls)


@pytest.mark.parametrize("call", ["begin", "part", "complete", "put"])
async def test_s3_failing_at_any_call_is_503_and_cleaned_up(api: httpx.AsyncClient, world: World, call: str) -> None:
    """No 201, no object, no open multipart upload."""
    world.objects.fail_at = frozenset({call})
    answer = await send(api, 100 if call == "put" else 2 * PART)
    assert (503, {}, {}) == (answer.status_code, world.objects.stored, world.objects.pending)


async def test_a_failing_abort_does_not_hide_the_first_failure(api: httpx.AsyncClient, world: World) -> None:
    """503 all the same."""
    world.objects.fail_at = frozenset({"complete", "abort"})
    assert 503 == (await send(api, 2 * PART)).status_code


@pytest.mark.parametrize(
    ("name", "media_type", "start", "status"),
    [
        ("cv.pdf", "application/pdf", b"%PDF-1.4", 201),
        ("CV.PDF", "application/pdf; charset=binary", b"%PDF-1.4", 201),
        ("cv.doc", "application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 201),
        ("cv.odt", "application/vnd.oasis.opendocument.text", b"PK\x03\x04", 201),
        ("cv.docx", "application/octet-stream", b"PK\x03\x04", 201),
        ("cv.docx", "application/pdf", b"PK\x03\x04", 415),
        ("cv.exe", "application/pdf", b"%PDF-", 415),
        ("cv", "application/pdf", b"%PDF-", 415),
        ("", "application/pdf", b"%PDF-", 422),
        ("../../etc/cv.pdf", "application/pdf", b"%PDF-", 422),
        ("x" * 120 + ".pdf", "application/pdf", b"%PDF-", 422),
        ("new\nline.pdf", "application/pdf", b"%PDF-", 422),
        ("cv.pdf", "application/pdf", b"MZ\x90\x00 program", 422),
        ("cv.pdf", "application/pdf", b"%P", 422),
        ("cv.pdf", "application/pdf", b"", 422),
    ],
)
async def test_only_documents_that_are_what_they_say(
    api: httpx.AsyncClient, name: str, media_type: str, start: bytes, status: int
) -> None:
    """Extension, media type and first bytes must agree."""
    answer = await api.post(
        "/api/uploads", params={"filename": name}, content=start, headers={"Content-Type": media_type}
    )
    assert status == answer.status_code, answer.text


async def test_the_name_a_visitor_gave_is_no_part_of_the_key(api: httpx.AsyncClient, world: World) -> None:
    """Keys are made of our id; nobody can guess or overwrite another's file."""
    answer = await send(api, 10, "Asha Kumari.pdf")
    assert [f"uploads/careers/{answer.json()['id']}/document.pdf"] == list(world.objects.stored)


async def test_a_visitor_who_leaves_ends_the_body() -> None:
    """The body raises ClientDisconnect, and discarding it after that returns at once."""
    messages: Iterator[dict[str, object]] = iter(
        [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, object]:
        return next(messages)

    body = uploads.Body(receive, 60)
    chunks = body.chunks()
    assert b"a" == await anext(chunks)
    with pytest.raises(ClientDisconnect):
        await anext(chunks)
    await asyncio.wait_for(body.discard(), timeout=1)


async def test_an_upload_that_takes_too_long_hears_so() -> None:
    """A release waits for what is under way; after the agreed time the rest is not waited for any more."""
    messages: Iterator[dict[str, object]] = iter([{"type": "http.request", "body": b"%PDF-", "more_body": True}])

    async def receive() -> dict[str, object]:
        for message in messages:
            return message
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    body = uploads.Body(receive, 0.05)
    with pytest.raises(uploads.Problem) as caught:
        async for _ in body.chunks():
            pass

    assert (408, "close") == (caught.value.status, caught.value.headers["Connection"])
    await asyncio.wait_for(body.discard(), timeout=1)


async def test_more_uploads_than_slots_are_told_to_come_back(api: httpx.AsyncClient) -> None:
    """Memory is bounded by the number of uploads at once; the next one hears 503 and is not started."""
    release = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"%PDF-"
        await release.wait()

    async def one() -> httpx.Response:
        return await api.post("/api/uploads", params={"filename": "a.pdf"}, content=slow(), headers=PDF)

    running = [asyncio.create_task(one()) for _ in range(uploads.MAX_AT_ONCE)]
    for _ in range(200):
        await asyncio.sleep(0)
    refused = asyncio.create_task(api.post("/api/uploads", params={"filename": "a.pdf"}, content=b"%PDF-", headers=PDF))
    assert 503 == (await refused).status_code
    release.set()
    assert {201} == {answer.status_code for answer in await asyncio.gather(*running)}
