"""The lease's bytes, also damaged ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deployer.aws.lease_object import ABSENT, UNTIL_UNLOCKED, Entry, dump, load

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENTRY = Entry("ana@laptop", "dev-1", NOW + timedelta(seconds=60), 7, "nonce")
LATER = NOW + timedelta(minutes=5)


def test_an_entry_comes_back_as_written() -> None:
    """With the ETag S3 gave it."""
    assert ENTRY.stored("e") == load(dump(ENTRY), "e", {"fencing": "7"}, LATER)
    assert ENTRY.given_back().stored("e") == load(dump(ENTRY.given_back()), "e", {}, LATER)


def test_why_somebody_locked_it_comes_back() -> None:
    """`inv lock` says until when: until it is unlocked."""
    locked = replace(ENTRY, reason="the auditors are here", expires_at=UNTIL_UNLOCKED)

    assert locked.stored("e") == load(dump(locked), "e", {}, LATER)
    assert locked.active(NOW + timedelta(days=365_000))
    assert "the auditors are here" == locked.holder().reason


def test_it_is_active_until_its_expiry_and_not_at_it() -> None:
    """Two holders at one instant cannot be."""
    assert ENTRY.active(NOW + timedelta(seconds=59))
    assert not ENTRY.active(NOW + timedelta(seconds=60))
    assert not ENTRY.given_back().active(NOW)
    assert not ABSENT.active(NOW)


def test_a_lease_cut_at_any_byte_is_held_and_keeps_its_number() -> None:
    """Whatever part of it arrived: never taken for free, never counted from 1 again."""
    whole = dump(ENTRY)
    for end in range(len(whole)):
        seen = load(whole[:end], "e", {"fencing": "7"}, LATER)
        assert seen.active(NOW), whole[:end]
        assert seen.fencing == 7
        assert seen.expires_at == LATER
        assert seen.etag == "e"


def test_the_larger_number_counts() -> None:
    """Body and metadata are written together; whichever is ahead is the newer."""
    assert load(dump(ENTRY), "e", {"fencing": "9"}, LATER).fencing == 9
    assert load(dump(ENTRY), "e", {"fencing": "nonsense"}, LATER).fencing == 7
