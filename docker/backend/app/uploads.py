"""POST /api/uploads?filename=cv.pdf — a careers document, sent as the raw request body and streamed on to S3.

Memory is bounded: while a part is on its way to S3 no more than the next is read (the server stops reading the socket
then), and at most MAX_AT_ONCE uploads run in one container. An upload that ends early leaves nothing.
"""

import asyncio
import hashlib
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Receive

from app import metrics
from app.errors import ObjectsAway
from app.objects import Objects
from app.problems import Problem, unavailable
from app.rate_limit import RateLimit

log = logging.getLogger("app.uploads")

MAX_BYTES: Final = 50 * 1024 * 1024
MAX_AT_ONCE: Final = 8
_NAME_LENGTH: Final = 120
_TOO_LARGE: Final = "The file is larger than 50 MB."


@dataclass(frozen=True, slots=True)
class Kind:
    """A document type we take: its media type and the bytes such a file starts with."""

    media_type: str
    magic: bytes


# Signatures: ISO 32000 (PDF), MS-CFB (DOC), ZIP local file header (DOCX, ODT).
KINDS: Final[Mapping[str, Kind]] = {
    "pdf": Kind("application/pdf", b"%PDF-"),
    "doc": Kind("application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "docx": Kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04"),
    "odt": Kind("application/vnd.oasis.opendocument.text", b"PK\x03\x04"),
}


@dataclass(slots=True)
class _Received:
    """What arrived so far."""

    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Uploads:
    """The upload endpoint and what it needs."""

    objects: Objects
    bucket: str
    limit: RateLimit
    timeout_s: float
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_AT_ONCE))

    async def create_upload(self, request: Request) -> JSONResponse:
        """Store a document: 201 with id, size_bytes and sha256.

        Problems: 408 when it takes too long to arrive, 413 beyond 50 MB, 415 for another type, 422 for an empty file or
        one that is not what it says, 429, 503 when S3 or this container cannot take it now.
        """
        body = Body(request.receive, self.timeout_s)
        try:
            return await self._receive(request, body)
        except ClientDisconnect:
            metrics.UPLOADS.labels("disconnected").inc()
            raise Problem(400, "The upload ended early.") from None
        except Problem:
            metrics.UPLOADS.labels("refused").inc()
            await body.discard()
            raise
        except ObjectsAway as error:
            metrics.UPLOADS.labels("unavailable").inc()
            log.error("upload not stored", extra={"error": str(error)})
            await body.discard()
            raise unavailable("Your file could not be stored just now. Please send it again.") from error

    async def _receive(self, request: Request, body: "Body") -> JSONResponse:
        await self.limit.check(request)
        name, kind = described(request)
        if self.slots.locked():
            raise unavailable("Many files are arriving at once. Please try again in a moment.")
        async with self.slots:
            upload_id = uuid.uuid4()
            received = _Received()
            chunks = checked(body.chunks(), kind, received)
            key = f"careers/{upload_id}/document.{name.rpartition('.')[2]}"
            # S3 metadata is ASCII.
            await self.objects.stream(self.bucket, key, chunks, kind.media_type, {"filename": quote(name)})
        metrics.UPLOADS.labels("created").inc()
        metrics.UPLOAD_BYTES.inc(received.size)
        log.info("upload stored", extra={"upload_id": upload_id, "size_bytes": received.size})
        answer = {"id": str(upload_id), "size_bytes": received.size, "sha256": received.digest.hexdigest()}
        return JSONResponse(answer, 201)


def described(request: Request) -> tuple[str, Kind]:
    """Return (file name, kind) that REQUEST's query, Content-Type and Content-Length announce; Problem otherwise."""
    name = request.query_params.get("filename", "")
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    kind = KINDS.get(extension)
    if not name or len(name) > _NAME_LENGTH or not name.isprintable() or "/" in name or "\\" in name:
        raise Problem(422, f"Give the file's name, at most {_NAME_LENGTH} characters, as ?filename=.")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind is None or media_type not in (kind.media_type, "application/octet-stream", ""):
        raise Problem(415, f"We take {', '.join(k.upper() for k in KINDS)} files with their own content type.")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise Problem(413, _TOO_LARGE)
    return f"{name.rpartition('.')[0]}.{extension}", kind


async def checked(chunks: AsyncIterator[bytes], kind: Kind, received: _Received) -> AsyncIterator[bytes]:
    """Yield CHUNKS, counted and hashed into RECEIVED.

    Raises Problem 413 past MAX_BYTES, 422 when the first bytes are not KIND's.
    """
    start = b""
    async for chunk in chunks:
        received.size += len(chunk)
        if received.size > MAX_BYTES:
            raise Problem(413, _TOO_LARGE)
        received.digest.update(chunk)
        if len(start) < len(kind.magic):
            start += chunk
            if len(start) < len(kind.magic):
                continue
            _require_magic(start, kind)
            yield start
        else:
            yield chunk
    if len(start) < len(kind.magic):
        _require_magic(start, kind)


def _require_magic(start: bytes, kind: Kind) -> None:
    if not start.startswith(kind.magic):
        raise Problem(422, "The file is empty or not of the type its name says.")


class Body:
    """A request's body, read once; unlike Starlette's stream it knows whether there is more to come."""

    def __init__(self, receive: Receive, timeout_s: float) -> None:
        self._receive = receive
        self._ended = False
        self._deadline = asyncio.get_running_loop().time() + timeout_s

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what is not read yet, as it arrives; raises ClientDisconnect when the visitor leaves.

        Problem 408 once the whole has taken too long: a release waits for what is under way, but not for ever.
        """
        while not self._ended:
            try:
                async with asyncio.timeout_at(self._deadline):
                    message = await self._receive()
            except TimeoutError:
                self._ended = True
                raise Problem(408, "Your file took too long to arrive.", headers={"Connection": "close"}) from None
            if message["type"] == "http.disconnect":
                self._ended = True
                raise ClientDisconnect
            self._ended = not message.get("more_body", False)
            yield message.get("body", b"")

    async def discard(self) -> None:
        """Read on what is still being sent, within bounds, so that our answer arrives instead of a reset."""
        left = MAX_BYTES + 2 * 1024 * 1024
        try:
            async with asyncio.timeout(20):
                async for chunk in self.chunks():
                    left -= len(chunk)
                    if left < 0:
                        return
        except (TimeoutError, ClientDisconnect, Problem):
            return  # nobody waits for the answer any more, or not politely
