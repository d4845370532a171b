"""Objects in S3, through obstore; every failure is ObjectsAway.

obstore is Rust's object_store: its requests run outside of Python, in threads of its own. It takes its keys from the
environment or, on ECS, from the task's role, which it asks again five minutes before they expire. It trusts the
system's certificates (ca-certificates in the image). Every object gets the bucket's own encryption.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from app.errors import ObjectsAway
from app.settings import Settings

log = logging.getLogger("app.objects")

PART_BYTES: Final = 8 * 1024 * 1024  # S3 takes parts from 5 MiB
CONNECT: Final = timedelta(seconds=2)
ANSWER: Final = timedelta(seconds=6)
"""The longest that one request may take, a part on its way included."""
_BACKOFF: Final = timedelta(milliseconds=100)
_CLOSE_S: Final = 2.0
"""Of the 5 s between GRACE_S and stopTimeout (deployer/draining.py) what closing the database leaves."""
_NOBODYS: Final = "readiness"
_FAILURES: Final = (BaseError, OSError)  # a 404 is a FileNotFoundError
# What S3 said, or how it could not be reached. All else in obstore's messages is for nobody: addresses, upload ids.
_REASON: Final = re.compile(r"<Code>(\w{1,64})</Code>|HttpError \{\s+kind: (\w{1,64})")


def make_store(settings: Settings, bucket: str) -> S3Store:
    """Return BUCKET: 2 s to connect, 6 s for a request, 2 attempts. Nothing is connected yet."""
    place = settings.endpoint_url
    return S3Store(
        bucket,
        config={"endpoint": place} if place else {},
        region=settings.region,
        disable_bulk_delete=True,  # one object is removed with the request for one
        # An endpoint of one's own has no host name per bucket.
        virtual_hosted_style_request=not place,
        client_options={"connect_timeout": CONNECT, "timeout": ANSWER, "allow_http": bool(place)},
        retry_config={
            "max_retries": 1,
            "retry_timeout": 2 * ANSWER,
            "backoff": {"init_backoff": _BACKOFF, "max_backoff": 2 * _BACKOFF, "base": 2},
        },
    )


class Objects:
    """The buckets, shared by all requests."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stores: dict[str, S3Store] = {}
        self._undoing: set[asyncio.Task[None]] = set()

    def _store(self, bucket: str) -> S3Store:
        # Made when it is first asked for: it reads the certificates.
        if bucket not in self._stores:
            try:
                self._stores[bucket] = make_store(self._settings, bucket)
            except _FAILURES as error:
                raise ObjectsAway(_reason(error)) from None
        return self._stores[bucket]

    async def put(self, bucket: str, key: str, body: bytes, content_type: str, metadata: dict[str, str]) -> None:
        """Write one object."""
        attributes = {"Content-Type": content_type, **metadata}
        await _asked(obstore.put_async(self._store(bucket), key, body, attributes=attributes, use_multipart=False))

    async def head(self, bucket: str) -> None:
        """Ask whether BUCKET is there and ours: one request, for an object that nobody ever writes.

        S3 answers NoSuchKey only to who may list the bucket. To list it would cost twelve times as much (S3's prices),
        and obstore has no HeadBucket.
        """
        try:
            await _asked(obstore.get_async(self._store(bucket), _NOBODYS))
        except ObjectsAway as error:
            if error.args != ("NoSuchKey",):
                raise

    async def stream(
        self, bucket: str, key: str, chunks: AsyncIterator[bytes], content_type: str, metadata: dict[str, str]
    ) -> None:
        """Write CHUNKS as they come; the object can be seen once all of it is there. What they raise, this raises.

        Less than a part is one simple request. Otherwise at most one part is collected while another is on its way, and
        when anything goes wrong, cancellation included, the multipart upload is aborted. What a cancellation comes too
        late for is deleted; in a bucket that keeps versions its bytes stay until those expire.
        """
        store = self._store(bucket)
        begun = await _first_part(chunks)
        parts = len(begun) >= PART_BYTES
        source = _Source(begun, chunks)
        # obstore aborts when the source raises, but not when nobody waits for it any more: so it never sees that.
        put = asyncio.ensure_future(
            obstore.put_async(
                store,
                key,
                source if parts else begun,
                attributes={"Content-Type": content_type, **metadata},
                use_multipart=parts,
                chunk_size=PART_BYTES,
                max_concurrency=1,
            )
        )
        del begun
        try:
            await asyncio.shield(put)
        except asyncio.CancelledError:
            source.stop()
            undoing = asyncio.create_task(_undo(put, store, key))
            self._undoing.add(undoing)
            undoing.add_done_callback(self._undoing.discard)
            await asyncio.shield(undoing)
            raise
        except _FAILURES as error:
            if source.failure is None:
                raise ObjectsAway(_reason(error)) from None
            if error is not source.failure:
                _not_undone(error)
            raise source.failure from None

    async def close(self) -> None:
        """Let what was cut off be aborted."""
        if self._undoing:
            await asyncio.wait(self._undoing, timeout=_CLOSE_S)


async def _asked(request: Awaitable[object]) -> None:
    try:
        await request
    except _FAILURES as error:
        raise ObjectsAway(_reason(error)) from None


def _reason(error: Exception) -> str:
    found = _REASON.search(str(error))
    return (found[1] or found[2]) if found else type(error).__name__


async def _first_part(chunks: AsyncIterator[bytes]) -> bytes:
    collected: list[bytes] = []
    size = 0
    async for chunk in chunks:
        collected.append(chunk)
        size += len(chunk)
        if size >= PART_BYTES:
            break
    return b"".join(collected)


async def _undo(put: "asyncio.Future[Any]", store: S3Store, key: str) -> None:
    """Wait for PUT, whose source was stopped, to be aborted; when that came too late, remove the object."""
    await asyncio.wait({put})
    failure = put.exception()
    if isinstance(failure, _FAILURES):
        _not_undone(failure)
    if failure is None:
        try:
            await obstore.delete_async(store, key)
        except _FAILURES as error:
            _not_undone(error)


def _not_undone(error: Exception) -> None:
    # The bucket's lifecycle rule removes what is left; the first error is the one to report.
    log.warning("an upload that ended early may have left parts", extra={"error": _reason(error)})


class _Stopped(Exception):
    """Nobody wants the upload any more."""


class _Source:
    """What obstore reads: one chunk at a time, each in a task of its own."""

    def __init__(self, begun: bytes, chunks: AsyncIterator[bytes]) -> None:
        self._begun = begun
        self._chunks = chunks
        self._reading: asyncio.Task[object] | None = None
        self._stopped = False
        self.failure: Exception | None = None

    def __aiter__(self) -> "_Source":
        return self

    async def __anext__(self) -> bytes:
        begun, self._begun = self._begun, b""
        if self._stopped:
            raise _Stopped
        if begun:
            return begun
        self._reading = asyncio.current_task()
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            raise
        except asyncio.CancelledError:
            raise _Stopped from None
        except Exception as error:
            self.failure = error
            raise
        finally:
            self._reading = None

    def stop(self) -> None:
        """Make the next chunk, or the one that is waited for, an error."""
        self._stopped = True
        if self._reading is not None:
            self._reading.cancel()
