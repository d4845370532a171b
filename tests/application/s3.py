"""A small S3 at an address of its own: what a real client's requests do can be seen, refused or left unanswered.

Requests as in the Amazon S3 API reference: PutObject, GetObject (of what is not there), DeleteObject, and the four of
multipart uploads.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(slots=True)
class FakeS3:
    """Buckets in a dictionary; multipart uploads show only when complete.

    `fail_at` names the calls that fail ("part 2" is one part's), `hang_at` those that get no answer before `released`,
    `missing` the buckets that are not there, `foreign` those that we may not look into.
    """

    url: str = ""
    stored: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    pending: dict[str, dict[int, bytes]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    largest: int = 0
    fail_at: frozenset[str] = frozenset()
    hang_at: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    released: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def answer(self, call: str, name: str, query: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Do CALL to the object NAME (bucket/key); return status and body."""
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
        if call in self.hang_at:
            self.released.wait()
        if {call, f"{call} {query.get('partNumber')}"} & self.fail_at:
            return 503, "<Error><Code>SlowDown</Code><Message>about your key</Message></Error>"
        if name.partition("/")[0] in self.missing:
            return 404, "<Error><Code>NoSuchBucket</Code></Error>"
        if name.partition("/")[0] in self.foreign:
            return 403, "<Error><Code>AccessDenied</Code></Error>"
        with self.changed:
            return self._done(call, name, query, body)

    def _done(self, call: str, name: str, query: Mapping[str, str], body: bytes) -> tuple[int, str]:
        upload = query.get("uploadId", "")
        if upload and upload not in self.pending:
            return 404, "<Error><Code>NoSuchUpload</Code></Error>"
        match call:
            case "put":
                self.stored[name] = body
            case "get":
                return 404, "<Error><Code>NoSuchKey</Code></Error>"
            case "begin":
                self.pending[name] = {}
                told = f"<UploadId>{name}</UploadId>"
                return 200, f"<InitiateMultipartUploadResult>{told}</InitiateMultipartUploadResult>"
            case "part":
                self.largest = max(self.largest, len(body))
                self.pending[upload][int(query["partNumber"])] = body
            case "complete":
                self.stored[name] = b"".join(part for _, part in sorted(self.pending.pop(upload).items()))
                return 200, "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
            case "abort":
                del self.pending[upload]
            case "delete":
                self.stored.pop(name, None)
        return (204 if call in ("abort", "delete") else 200), ""

    def wait_for(self, call: str) -> None:
        """Return once CALL has reached this S3; at most 10 s."""
        with self.changed:
            assert self.changed.wait_for(lambda: call in self.calls, timeout=10), self.calls

    @contextlib.contextmanager
    def serving(self) -> Iterator[FakeS3]:
        """Answer at `url`, an address of this host."""
        with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"s3": self})) as server:
            server.daemon_threads, server.block_on_close = True, False
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                self.released.set()
                server.shutdown()
                thread.join()


def named(method: str, query: Mapping[str, str]) -> str:
    """Return which call a request is: what it does to an object, or which step of a multipart upload."""
    if "uploads" in query:
        return "begin"
    if "uploadId" in query:
        return {"PUT": "part", "POST": "complete", "DELETE": "abort"}[method]
    return {"PUT": "put", "GET": "get", "DELETE": "delete"}[method]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    s3: ClassVar[FakeS3]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        """Answer any request."""
        place = urlsplit(self.path)
        query = dict(parse_qsl(place.query, keep_blank_values=True))
        name = unquote(place.path).strip("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = named(self.command, query)
        if call in ("put", "begin"):
            self.s3.headers[name] = dict(self.headers.items())
        status, text = self.s3.answer(call, name, query, body)
        with contextlib.suppress(OSError):  # nobody waits for it any more
            self.send_response(status)
            self.send_header("ETag", '"e"')
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

    do_GET = do_POST = do_DELETE = do_PUT  # noqa: N815 - http.server's names
