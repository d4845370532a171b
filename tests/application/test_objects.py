"""S3 through obstore: every failure in time and without its details, and nothing left of an upload that was cut off."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app import objects
from app.errors import ObjectsAway
from app.objects import PART_BYTES, Objects
from app.settings import Build, Secret, Settings
from tests.application.fakes import World

pytestmark = pytest.mark.anyio
SETTINGS = Settings(Secret(""), "forms", "uploads", "ap-south-1", Secret(""), Build("", "", "", "", ""))


def at(world: World) -> Objects:
    """The buckets of WORLD."""
    return Objects(dataclasses.replace(SETTINGS, endpoint_url=world.objects.url))


async def pieces(count: int, then: BaseException | asyncio.Event | None = None) -> AsyncIterator[bytes]:
    """Yield COUNT pieces of half a part, and then raise what is given or wait for it."""
    for _ in range(count):
        yield b"x" * (PART_BYTES // 2)
    if isinstance(then, asyncio.Event):
        await then.wait()
    elif then is not None:
        raise then


async def begin(store: Objects, chunks: AsyncIterator[bytes]) -> asyncio.Task[None]:
    """Stream CHUNKS in a task of its own."""
    return asyncio.create_task(store.stream("uploads", "a/b", chunks, "application/pdf", {"filename": "a%20b"}))


async def test_type_and_metadata_arrive(world: World) -> None:
    """With the request that writes the object, or that begins its upload."""
    store = at(world)
    for key, count in (("small", 1), ("large", 3)):
        await store.stream("uploads", key, pieces(count), "application/pdf", {"filename": "a%20b"})
        seen = {name.lower(): value for name, value in world.objects.headers[f"uploads/{key}"].items()}
        assert ("application/pdf", "a%20b") == (seen["content-type"], seen["x-amz-meta-filename"])
    assert ["put", "begin", "part", "part", "complete"] == world.objects.calls


async def test_a_bucket_is_asked_for_with_one_request(world: World) -> None:
    """Each time; one that is not there, or not ours, is away, and the reason is S3's code alone."""
    world.objects.missing = frozenset({"uploads"})
    world.objects.foreign = frozenset({"theirs"})
    store = at(world)
    await store.head("forms")
    for bucket, code in (("uploads", "NoSuchBucket"), ("theirs", "AccessDenied")):
        with pytest.raises(ObjectsAway) as caught:
            await store.head(bucket)
        assert f"ObjectsAway: {code}" == str(caught.value)
    assert ["get", "get", "get"] == world.objects.calls


async def test_a_bucket_that_cannot_be_spoken_to_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an error of ours: its readers say 503."""

    def unreadable(*_: object) -> None:
        raise OSError("no certificates")

    monkeypatch.setattr(objects, "make_store", unreadable)
    with pytest.raises(ObjectsAway):
        await at(world).head("forms")


async def test_refusals_are_tried_again_once_and_say_only_the_code(world: World) -> None:
    """Two attempts; no address, no message of S3's."""
    world.objects.fail_at = frozenset({"put"})
    with pytest.raises(ObjectsAway) as caught:
        await at(world).put("forms", "a", b"x", "text/plain", {})
    assert ("ObjectsAway: SlowDown", None) == (str(caught.value), caught.value.__cause__)
    assert ["put", "put"] == world.objects.calls


@pytest.mark.parametrize("call", ["put", "head"])
async def test_an_s3_that_hangs_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """After the time of two attempts."""
    monkeypatch.setattr(objects, "ANSWER", timedelta(milliseconds=200))
    world.objects.hang_at = frozenset({"put", "get"})
    store = at(world)
    asked = store.put("forms", "a", b"x", "text/plain", {}) if call == "put" else store.head("forms")
    with pytest.raises(ObjectsAway) as caught:
        await asyncio.wait_for(asked, timeout=3)
    assert ("ObjectsAway: Timeout", 2) == (str(caught.value), len(world.objects.calls))


async def test_an_s3_that_is_not_there_is_away(world: World) -> None:
    """At once."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        world.objects.url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(ObjectsAway, match="Connect"):
        await asyncio.wait_for(at(world).head("forms"), timeout=3)


async def test_what_the_source_raises_is_raised_and_nothing_left(world: World) -> None:
    """The very exception; the multipart upload is aborted."""
    error = LookupError("ours")
    with pytest.raises(LookupError) as caught:
        await (await begin(at(world), pieces(5, error)))
    assert caught.value is error
    assert ({}, {}, "abort") == (world.objects.stored, world.objects.pending, world.objects.calls[-1])


async def test_a_failing_abort_does_not_hide_what_the_source_raised(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The source's own exception; that parts were left is logged."""
    world.objects.fail_at = frozenset({"abort"})
    with pytest.raises(LookupError):
        await (await begin(at(world), pieces(5, LookupError())))
    assert ["an upload that ended early may have left parts"] == [record.message for record in caplog.records]


async def test_cancelled_while_it_waits_for_more_it_is_aborted(world: World) -> None:
    """As at the end of a container's grace; the cancellation arrives after the abort."""
    task = await begin(at(world), pieces(4, asyncio.Event()))
    await asyncio.to_thread(world.objects.wait_for, "part")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ({}, {}, "abort") == (world.objects.stored, world.objects.pending, world.objects.calls[-1])


@pytest.mark.parametrize(("call", "count"), [("complete", 4), ("put", 1)])
async def test_cancelled_too_late_the_object_is_removed(world: World, call: str, count: int) -> None:
    """The request that makes it seen is under way: the upload cannot be aborted any more."""
    world.objects.hang_at = frozenset({call})
    task = await begin(at(world), pieces(count))
    await asyncio.to_thread(world.objects.wait_for, call)
    task.cancel()
    await asyncio.sleep(0)
    world.objects.released.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ({}, {}, "delete") == (world.objects.stored, world.objects.pending, world.objects.calls[-1])


@pytest.mark.parametrize("part", [1, 2, 3])
async def test_any_part_that_fails_has_the_upload_aborted(world: World, part: int) -> None:
    """The last one, too, whose failure shows when all has been read."""
    world.objects.fail_at = frozenset({f"part {part}"})
    with pytest.raises(ObjectsAway):
        await at(world).stream("uploads", "a", pieces(5), "application/pdf", {})
    assert ({}, {}, "abort") == (world.objects.stored, world.objects.pending, world.objects.calls[-1])


async def test_closing_waits_for_what_is_being_aborted(world: World) -> None:
    """Even when the request's task is cancelled again, as the end of the event loop does."""
    world.objects.hang_at = frozenset({"abort"})
    store = at(world)
    task = await begin(store, pieces(4, asyncio.Event()))
    await asyncio.to_thread(world.objects.wait_for, "part")
    task.cancel()
    await asyncio.to_thread(world.objects.wait_for, "abort")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    world.objects.released.set()
    await store.close()
    assert ({}, {}) == (world.objects.stored, world.objects.pending)
