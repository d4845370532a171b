"""What `lease.json` says. Pure: bytes in, an Entry out, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployer.model import Holder

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 1
NEVER = datetime.min.replace(tzinfo=UTC)
UNTIL_UNLOCKED = datetime.max.replace(tzinfo=UTC, microsecond=0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One state of the lease. `nonce` tells our own write from another's; `etag` is "" until it is stored.

    `place` is the process that holds it (`lease_place`); `reason` is of `inv lock`, which no process renews.
    """

    owner: str
    release: str
    expires_at: datetime
    fencing: int
    nonce: str
    given: bool = False
    etag: str = ""
    place: str = ""
    reason: str = ""

    def active(self, now: datetime) -> bool:
        """Whether somebody holds the environment at `now`, the server's time."""
        return not self.given and now < self.expires_at

    def holder(self) -> Holder:
        """Whoever this entry names."""
        return Holder(self.owner, self.expires_at, self.fencing, self.release, self.reason)

    def until(self, expires_at: datetime) -> Entry:
        """Return the same lease with another expiry."""
        return replace(self, expires_at=expires_at)

    def given_back(self) -> Entry:
        """Return the entry that ends it; it keeps the fencing number for the next holder."""
        return replace(self, given=True)

    def stored(self, etag: str) -> Entry:
        """Return the entry as S3 now has it."""
        return replace(self, etag=etag)


ABSENT = Entry("", "", NEVER, 0, "", given=True)


def dump(entry: Entry) -> bytes:
    """Write an entry as JSON."""
    fields = {
        "schema_version": SCHEMA_VERSION,
        "owner": entry.owner,
        "release": entry.release,
        "expires_at": entry.expires_at.isoformat(),
        "fencing": entry.fencing,
        "nonce": entry.nonce,
        "given": entry.given,
        "place": entry.place,
        "reason": entry.reason,
    }
    return json.dumps(fields, indent=1).encode()


def load(body: bytes, etag: str, metadata: Mapping[str, str], written_until: datetime) -> Entry:
    """Read an entry. A damaged one counts as held until `written_until`, one time to live after it was written.

    The fencing number is also in the object's metadata, which a damaged body leaves alone.
    """
    number = metadata.get("fencing", "0")
    kept = int(number) if number.isdecimal() else 0
    try:
        fields = json.loads(body)
        return Entry(
            owner=str(fields["owner"]),
            release=str(fields["release"]),
            expires_at=datetime.fromisoformat(fields["expires_at"]).astimezone(UTC),
            fencing=max(int(fields["fencing"]), kept),
            nonce=str(fields["nonce"]),
            given=bool(fields["given"]),
            etag=etag,
            place=str(fields.get("place", "")),
            reason=str(fields.get("reason", "")),
        )
    except (ValueError, KeyError, TypeError):
        return Entry("somebody (the lease is damaged)", "", written_until, kept, "", etag=etag)
