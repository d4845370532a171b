"""Career uploads through the frontend into S3: streamed, bounded, and gone when they end early."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from docker.models.containers import Container

from tests.images.stack import UPLOADS_BUCKET, address, read, request_head, wait_for

MIB = 1024 * 1024
PDF: dict[str, str] = {"Content-Type": "application/pdf"}
LIMIT = 50 * MIB


def pdf(size: int) -> bytes:
    """A body of SIZE bytes that begins as a PDF does."""
    return b"%PDF-1.7\n".ljust(size, b"\x25")


def peak_kib(container: Container) -> int:
    """The highest resident size so far of the container's first process, in KiB."""
    status = read(container, "cat", "/proc/1/status")
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match, status
    return int(match[1])


def pending(s3: Any) -> list[str]:
    """Keys of multipart uploads that were begun and neither completed nor aborted."""
    return [upload["Key"] for upload in s3.list_multipart_uploads(Bucket=UPLOADS_BUCKET).get("Uploads", [])]


def test_50_mib_stream_through_with_bounded_memory(site: httpx.Client, backend: Container, s3: Any) -> None:
    """The largest file allowed arrives whole, and the backend never holds it: its peak grows by less than the file."""
    body = pdf(LIMIT)
    site.post("/api/uploads", params={"filename": "warm.pdf"}, content=pdf(9 * MIB), headers=PDF).raise_for_status()
    before = peak_kib(backend)
    answer = site.post("/api/uploads", params={"filename": "cv of Asha.PDF"}, content=body, headers=PDF)
    assert 201 == answer.status_code, answer.text
    assert (LIMIT, hashlib.sha256(body).hexdigest()) == (answer.json()["size_bytes"], answer.json()["sha256"])
    stored = s3.get_object(Bucket=UPLOADS_BUCKET, Key=f"careers/{answer.json()['id']}/document.pdf")
    assert ("application/pdf", {"filename": "cv%20of%20Asha.pdf"}) == (stored["ContentType"], stored["Metadata"])
    assert hashlib.sha256(body).hexdigest() == hashlib.sha256(stored["Body"].read()).hexdigest()
    assert peak_kib(backend) - before < 24 * 1024
    assert [] == pending(s3)


def test_one_byte_more_is_refused_by_declared_length(site: httpx.Client) -> None:
    """413 as JSON, also for a body that announces its length and is sent whole."""
    answer = site.post("/api/uploads", params={"filename": "big.pdf"}, content=pdf(LIMIT + 1), headers=PDF)
    assert (413, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])


def test_one_byte_more_is_refused_while_it_streams(api: httpx.Client, s3: Any) -> None:
    """413 for a body that does not say how long it is; the parts already in S3 are removed."""

    def chunks() -> Iterator[bytes]:
        yield pdf(MIB)
        for _ in range(49):
            yield b"x" * MIB
        yield b"y"

    answer = api.post("/api/uploads", params={"filename": "big.pdf"}, content=chunks(), headers=PDF)
    assert 413 == answer.status_code
    wait_for("multipart upload aborted", lambda: pending(s3) == [])


def test_far_too_large_bodies_get_json_from_the_proxy(site: httpx.Client) -> None:
    """The frontend refuses beyond 51 MB before the backend is asked."""
    url = urlsplit(str(site.base_url))
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=10) as connection:
        headers = PDF | {"Content-Length": str(200 * MIB), "Expect": "100-continue"}
        connection.sendall(request_head("/api/uploads?filename=a.pdf", headers))
        answer = connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413")
    assert '"status":413' in answer


@pytest.mark.parametrize("through", ["backend", "frontend"])
def test_a_visitor_who_leaves_leaves_nothing(request: pytest.FixtureRequest, s3: Any, through: str) -> None:
    """Parts reach S3 while the body is still being sent; a connection that breaks then aborts the upload."""
    url = urlsplit(address(request.getfixturevalue(through)))
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=10) as connection:
        head = request_head("/api/uploads?filename=a.pdf", PDF | {"Content-Length": str(LIMIT)})
        connection.sendall(head + pdf(17 * MIB))
        wait_for("the multipart upload has begun", lambda: len(pending(s3)) == 1)
    wait_for("the multipart upload is aborted", lambda: pending(s3) == [])


def test_only_documents_are_taken(site: httpx.Client) -> None:
    """Another type is 415; a file that is not what its name says, or empty, is 422."""
    cases = {
        "script.exe": (b"MZ", "application/octet-stream", 415),
        "page.pdf": (b"<html>", "text/html", 415),
        "fake.pdf": (b"GIF89a not a pdf", "application/pdf", 422),
        "empty.pdf": (b"", "application/pdf", 422),
        "a/b.pdf": (pdf(20), "application/pdf", 422),
    }
    seen = {
        name: site.post(
            "/api/uploads", params={"filename": name}, content=body, headers={"Content-Type": kind}
        ).status_code
        for name, (body, kind, _) in cases.items()
    }
    assert {name: status for name, (_, _, status) in cases.items()} == seen
