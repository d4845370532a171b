"""The journal's object, `journal.json` in the versioned state bucket: the page of the last run that held the lease.

Written on condition that it still is what was read or written last (S3 user guide, "Conditional requests"). A page with
a higher fencing number is never overwritten: its run holds the environment now. What somebody damaged, emptied or
deleted is written anew; its number is in the object's metadata too, as the lease's is.
"""

from __future__ import annotations

import json
import threading
from functools import cache
from typing import TYPE_CHECKING

from deployer.aws.faults import Expected, mapped
from deployer.aws.state_bucket import JOURNAL_KEY
from deployer.errors import StateUncertain
from deployer.journal_page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mypy_boto3_s3 import S3Client
    from pydantic import TypeAdapter

    from deployer.aws.session import Session

SCHEMA_VERSION = 1
CONFLICT = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "404"})
ATTEMPTS = 5


class S3Journal:
    """Fills ports.JournalStore."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._name = session.environment.state_bucket
        self._attempted = f"keeping the journal of {session.environment.name}"
        self._lock = threading.RLock()
        self._etag: str | None = None

    def read(self) -> Page | None:
        """Return the last page, a stand-in with `damage` when it cannot be read, None when there is none."""
        return self._read(self._session.s3_brief)

    def _read(self, client: S3Client) -> Page | None:
        with self._lock:
            try:
                with mapped(self._attempted, expected=MISSING):
                    answer = client.get_object(Bucket=self._name, Key=JOURNAL_KEY)
                    body = answer["Body"].read()
            except Expected:
                self._etag = ""
                return None
            self._etag = answer["ETag"]
            try:
                return load(body)
            except ValueError as error:
                why = str(error).splitlines()[0]
                return damaged(why, answer.get("Metadata", {}), answer["LastModified"])

    def write(self, page: Page, *, once: bool = False) -> None:
        """Write the page. Raises StateUncertain when a run with a higher fencing number has written since.

        `once`: S3 is not waited for. What it answers still counts.
        """
        client = self._session.s3_once if once else self._session.s3_brief
        with self._lock:
            if self._etag is None:
                self._refuse_newer(self._read(client), page)
            for _ in range(ATTEMPTS):
                try:
                    self._put(page, client)
                except Expected:
                    seen = self._read(client)
                    if seen == page:
                        return  # it arrived, only the answer was lost
                    self._refuse_newer(seen, page)
                else:
                    return
        raise StateUncertain(self._attempted, "somebody else changes it again and again", "`inv status` tells who")

    def _put(self, page: Page, client: S3Client) -> None:
        condition = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        with mapped(self._attempted, expected=CONFLICT | MISSING):
            answer = client.put_object(
                Bucket=self._name,
                Key=JOURNAL_KEY,
                Body=dump(page),
                ContentType="application/json",
                Metadata={"fencing": str(page.fencing)},
                **condition,  # type: ignore[arg-type]
            )
        self._etag = answer["ETag"]

    def _refuse_newer(self, seen: Page | None, page: Page) -> None:
        if seen is not None and seen.fencing > page.fencing:
            raise StateUncertain(
                self._attempted,
                f"{seen.actor or 'somebody'} has gone on meanwhile (fencing {seen.fencing}, ours is {page.fencing})",
                "whoever holds the lease now owns the environment; `inv status` tells what is there",
            )


def dump(page: Page) -> bytes:
    """Write a page as JSON with its schema version."""
    fields = _adapter().dump_python(page, mode="json")
    return json.dumps({"schema_version": SCHEMA_VERSION, **fields}, indent=1).encode()


def load(body: bytes) -> Page:
    """Read a page; keys this version does not know are ignored. Raises ValueError when it is damaged."""
    fields = json.loads(body)
    if not isinstance(fields, dict) or "schema_version" not in fields:
        raise ValueError("it has no schema_version")
    fields.pop("schema_version")
    return _adapter().validate_python(fields)


@cache
def _adapter() -> TypeAdapter[Page]:
    """Make it once: that takes longer than to use it, and a release writes dozens of times."""
    from pydantic import TypeAdapter

    return TypeAdapter(Page)


def damaged(why: str, metadata: Mapping[str, str], changed: datetime) -> Page:
    """Stand in for a page that cannot be read: of its run only the fencing number may be known."""
    number = metadata.get("fencing", "0")
    fencing = int(number) if number.isdecimal() else 0
    return Page("", "", "", fencing, changed, damage=f"{JOURNAL_KEY} cannot be read ({why})")
