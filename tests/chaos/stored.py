"""What the site keeps of what was sent: asked of Postgres and S3 themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.load.answers import Answer

if TYPE_CHECKING:
    from tests.chaos.site import Site


def form_mistakes(site: Site, run: str, answers: Sequence[Answer]) -> list[str]:
    """A line for each form of this run that is not kept exactly once, in both places, under the id that was told."""
    ours = f"client_key LIKE 'load-{run}-%'"
    rows = site.query(f"SELECT client_key, id, stored_at IS NOT NULL FROM forms WHERE {ours}")  # noqa: S608 - our own
    bucket = site.topology["buckets"]["forms"]
    objects = Counter(key.rpartition("/")[2].removesuffix(".json") for key in keys(site.client("s3"), bucket, "forms/"))
    return wrong_forms(answers, rows, objects)


def wrong_forms(answers: Sequence[Answer], rows: Sequence[Sequence[str]], objects: Counter[str]) -> list[str]:
    """Set what was answered beside the rows (client key, id, "t" when stored) and the objects by form id."""
    found: dict[str, list[tuple[str, str]]] = {}
    for key, form, done in rows:
        found.setdefault(key, []).append((form, done))
    mistakes = []
    for answer in answers:
        kept = found.pop(answer.key, [])
        if not answer.good and not kept:
            continue  # it counts as dropped already, and nothing pretends that it arrived
        if len(kept) != 1:
            mistakes.append(f"{answer.key} is in {len(kept)} rows")
            continue
        [(form, done)] = kept
        if answer.good and form != answer.stored:
            mistakes.append(f"{answer.key} was answered as {answer.stored} and is kept as {form}")
        if answer.good and (done != "t" or objects[form] != 1):
            mistakes.append(f"{answer.key} is in {objects[form]} objects, its row says stored: {done}")
    return mistakes + [f"{key} was never sent" for key in found]


def upload_mistakes(site: Site, answers: Sequence[Answer], size: int, before: set[str]) -> list[str]:
    """A line for each document that is not kept exactly once and whole; `before` are the keys that were there."""
    s3, bucket = site.client("s3"), site.topology["buckets"]["uploads"]
    sizes = {item["Key"]: item["Size"] for item in listed(s3, bucket, "careers/") if item["Key"] not in before}
    mistakes = []
    for answer in answers:
        key = f"careers/{answer.stored}/document.pdf"
        if answer.good and sizes.pop(key, 0) != size:
            mistakes.append(f"{answer.key}, answered as {answer.stored}, is not kept with its {size} bytes")
    # What failed for the visitor may have been kept all the same, or not; more than was sent never.
    most = sum(not answer.good for answer in answers)
    if len(sizes) > most:
        mistakes.append(f"{len(sizes)} documents more than were answered are kept, {most} requests failed")
    return mistakes + [f"multipart upload {key} was left behind" for key in sorted(pending(s3, bucket) - before)]


def listed(s3: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """All objects under a prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item for page in pages for item in page.get("Contents", [])]


def keys(s3: Any, bucket: str, prefix: str) -> set[str]:
    """Their keys."""
    return {item["Key"] for item in listed(s3, bucket, prefix)}


def pending(s3: Any, bucket: str) -> set[str]:
    """Keys of multipart uploads that were begun and neither completed nor aborted."""
    return {one["Key"] for one in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])}


def forget_uploads(site: Site, before: set[str]) -> None:
    """Remove the documents of a run: they are large, and the local cloud keeps them in memory."""
    s3, bucket = site.client("s3"), site.topology["buckets"]["uploads"]
    for key in keys(s3, bucket, "careers/") - before:
        s3.delete_object(Bucket=bucket, Key=key)
