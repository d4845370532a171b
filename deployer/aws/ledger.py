"""Ledger: one JSON object a release, `ledger/<release>.json` in the versioned state bucket.

A damaged object never hides the others: `history` lists it without an outcome and with the damage as its reason, so
that it is seen and that nothing ever rolls back to it.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from deployer.aws.faults import Expected, mapped
from deployer.aws.state_bucket import LEDGER_PREFIX
from deployer.model import Record

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import TypeAdapter

    from deployer.aws.session import Session

SCHEMA_VERSION = 1
READERS = 8


class S3Ledger:
    """Fills ports.Ledger."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._bucket = session.environment.state_bucket

    def write(self, record: Record) -> None:
        """Create or replace the record of its release."""
        with mapped(f"writing {record.release} to the ledger"):
            self._session.s3.put_object(
                Bucket=self._bucket,
                Key=f"{LEDGER_PREFIX}{record.release}.json",
                Body=dump(record),
                ContentType="application/json",
            )

    def find(self, release_id: str) -> Record | None:
        """Return the record of one release, None when there is none."""
        return self._read(f"{LEDGER_PREFIX}{release_id}.json")

    def history(self) -> tuple[Record, ...]:
        """Return all records, newest first; none when the environment was never deployed."""
        keys = self._keys()
        if not keys:
            return ()
        with ThreadPoolExecutor(READERS) as pool:
            records = [record for record in pool.map(self._read, keys) if record is not None]
        return tuple(sorted(records, key=lambda record: (record.started_at, record.release), reverse=True))

    def mend(self, damaged: Collection[str]) -> tuple[str, ...]:
        """Bring back deleted records, and the `damaged` ones, from earlier versions; return their releases.

        The bucket is versioned: a damaged or deleted object still has the versions before (S3 user guide, "Retaining
        multiple versions of objects with S3 Versioning").
        """
        mended = []
        for key, versions in self._versions().items():
            release = key.removeprefix(LEDGER_PREFIX).removesuffix(".json")
            if versions[0] is not None and release not in damaged:
                continue
            earlier = (self._body(key, version) for version in versions[1:] if version is not None)
            found = next((body for body in earlier if body is not None and _readable(body)), None)
            if found is not None:
                self.write(load(found))
                mended.append(release)
        return tuple(mended)

    def _versions(self) -> dict[str, list[str | None]]:
        """List the versions of every record, newest first; None stands for a deletion."""
        found: dict[str, list[tuple[datetime, bool, str | None]]] = {}
        try:
            with mapped("reading the ledger's versions", expected={"NoSuchBucket", "404"}):
                pages = self._session.s3.get_paginator("list_object_versions").paginate(
                    Bucket=self._bucket, Prefix=LEDGER_PREFIX
                )
                for page in pages:
                    for version in page.get("Versions", []):
                        entry = (version["LastModified"], version["IsLatest"], version["VersionId"])
                        found.setdefault(version["Key"], []).append(entry)
                    for gone in page.get("DeleteMarkers", []):
                        found.setdefault(gone["Key"], []).append((gone["LastModified"], gone["IsLatest"], None))
        except Expected:
            return {}
        newest_first = {key: sorted(v, key=lambda e: (e[1], e[0]), reverse=True) for key, v in found.items()}
        return {key: [version for _, _, version in entries] for key, entries in newest_first.items()}

    def _body(self, key: str, version: str) -> bytes | None:
        try:
            with mapped(f"reading a version of {key}", expected={"NoSuchKey", "NoSuchVersion", "404"}):
                answer = self._session.s3.get_object(Bucket=self._bucket, Key=key, VersionId=version)
                return answer["Body"].read()
        except Expected:
            return None

    def _keys(self) -> list[str]:
        try:
            with mapped("reading the ledger", expected={"NoSuchBucket", "404"}):
                pages = self._session.s3.get_paginator("list_objects_v2").paginate(
                    Bucket=self._bucket, Prefix=LEDGER_PREFIX
                )
                return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        except Expected:
            return []

    def _read(self, key: str) -> Record | None:
        """Read one record; None when it is not there."""
        try:
            with mapped(f"reading {key} of the ledger", expected={"NoSuchKey", "NoSuchBucket", "404"}):
                answer = self._session.s3.get_object(Bucket=self._bucket, Key=key)
                body, changed = answer["Body"].read(), answer["LastModified"]
        except Expected:
            return None
        try:
            return load(body)
        except ValueError as error:
            return damaged(key, self._session.environment.name, changed, str(error).splitlines()[0])


def dump(record: Record) -> bytes:
    """Write a record as JSON with its schema version."""
    fields = _adapter().dump_python(record, mode="json")
    return json.dumps({"schema_version": SCHEMA_VERSION, **fields}, indent=1).encode()


def load(body: bytes) -> Record:
    """Read a record; keys this version does not know are ignored. Raises ValueError when it is damaged."""
    fields = json.loads(body)
    if not isinstance(fields, dict) or "schema_version" not in fields:
        raise ValueError("it has no schema_version")
    fields.pop("schema_version")
    return _adapter().validate_python(fields)


@cache
def _adapter() -> TypeAdapter[Record]:
    """Make it once: that takes longer than to use it, and a ledger has hundreds of records."""
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def _readable(body: bytes) -> bool:
    try:
        load(body)
    except ValueError:
        return False
    return True


def damaged(key: str, environment: str, changed: datetime, why: str) -> Record:
    """Stand in for a record that cannot be read: its release is known from the key, nothing else is."""
    return Record(
        release=key.removeprefix(LEDGER_PREFIX).removesuffix(".json"),
        environment=environment,
        commit="",
        kind="",
        restores="",
        outcome=None,
        started_at=changed.astimezone(UTC),
        ended_at=changed.astimezone(UTC),
        actor="",
        digests={},
        task_definitions={},
        plan_sha256="",
        config_hash="",
        migration_head="",
        reason=f"damaged: {key} cannot be read ({why}); earlier versions of the object are in the state bucket",
    )
