"""The lease: one winner, a growing number, and no writer who does not know that he lost it."""

from __future__ import annotations

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from deployer.aws import lease_place
from deployer.aws.lease import S3Lease
from deployer.aws.lease_object import Entry, dump, load
from deployer.aws.state_bucket import LEASE_KEY, StateBucket
from deployer.errors import Locked, StateUncertain
from deployer.tools.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.aws.session import Session

PATIENCE_S = 20


@pytest.fixture
def ready(session: Session) -> Session:
    """Return a session whose state bucket can be used: moto takes the TLS-only policy without its condition."""
    StateBucket(session).ensure()
    if session.environment.cloud == "aws":
        session.s3.delete_bucket_policy(Bucket=session.environment.state_bucket)
    return session


@pytest.fixture
def lease(ready: Session, clock: SystemClock) -> Callable[..., S3Lease]:
    """Make leases of one environment, as so many processes would."""

    def make(ttl_s: float = 60, renew_every_s: float = 1000) -> S3Lease:
        return S3Lease(ready, clock, StateBucket(ready), ttl_s=ttl_s, renew_every_s=renew_every_s)

    return make


def stored(session: Session) -> Entry:
    """Read the object as it is."""
    answer = session.s3.get_object(Bucket=session.environment.state_bucket, Key=LEASE_KEY)
    return load(answer["Body"].read(), answer["ETag"], answer["Metadata"], answer["LastModified"])


def expire(session: Session) -> Entry:
    """Let the lease have expired a minute ago: what a holder that was killed leaves behind."""
    entry = replace(stored(session), expires_at=datetime.now(UTC) - timedelta(minutes=1))
    session.s3.put_object(Bucket=session.environment.state_bucket, Key=LEASE_KEY, Body=dump(entry))
    return entry


def test_the_first_takes_it_and_the_second_is_told_who_has_it(lease: Callable[..., S3Lease]) -> None:
    """Owner, release and expiry are in the refusal, and what to do."""
    first = lease()
    holder = first.acquire("ana@laptop", "dev-1")
    assert (holder.owner, holder.release, holder.fencing) == ("ana@laptop", "dev-1", 1)
    assert timedelta(seconds=55) < holder.expires_at - datetime.now(UTC) < timedelta(seconds=65)
    with pytest.raises(Locked) as caught:
        lease().acquire("ben@ci", "dev-2")
    assert "ana@laptop" in caught.value.seen
    assert "dev-1" in caught.value.seen
    assert f"{holder.expires_at:%H:%M:%S}" in caught.value.seen
    assert "inv unlock" in caught.value.hint
    first.check()
    first.release()


def test_given_back_it_can_be_taken_and_the_number_grows(lease: Callable[..., S3Lease]) -> None:
    """The number orders all holders there ever were."""
    for expected in (1, 2, 3):
        mine = lease()
        assert expected == mine.acquire("ana", f"dev-{expected}").fencing
        mine.release()
        assert mine.holder() is None


def test_a_released_lease_is_held_no_more(lease: Callable[..., S3Lease]) -> None:
    """Whoever goes on writing after that is stopped."""
    mine = lease()
    mine.acquire("ana", "dev-1")
    mine.release()
    with pytest.raises(StateUncertain):
        mine.check()
    mine.release()  # a second time is nothing


def test_who_never_gave_it_back_is_known(ready: Session, lease: Callable[..., S3Lease]) -> None:
    """At work, long gone, or given back: the scheduled reconciler acts on the second alone. No lease: nobody knows."""
    gone = lease().unfinished()
    assert gone is not None
    assert ("", True) == (gone.owner, gone.expires_at < datetime.now(UTC))

    mine = lease()
    taken = mine.acquire("ann", "r-1")
    assert taken == lease().unfinished()

    expire(ready)
    left = lease().unfinished()
    assert left is not None
    assert ("ann", "r-1", True) == (left.owner, left.release, left.expires_at < datetime.now(UTC))

    lease().acquire("ben", "r-2")
    theirs = lease().break_()
    assert theirs is not None
    assert None is lease().unfinished()


def test_an_expired_lease_is_taken_over_and_its_holder_finds_out(ready: Session, lease: Callable[..., S3Lease]) -> None:
    """The old holder, which stood still past its time, neither checks nor releases what is no longer its own."""
    old, new = lease(), lease()
    old.acquire("ana", "dev-1")
    expire(ready)
    assert old.holder() is None
    assert 2 == new.acquire("ben", "dev-2").fencing
    old._fresh_until = (0.0, datetime.min.replace(tzinfo=UTC))
    with pytest.raises(StateUncertain) as caught:
        old.check()
    assert "ben" in caught.value.seen
    old.release()
    held = new.holder()
    assert held is not None
    assert held.owner == "ben"
    new.check()
    new.release()


def test_a_holder_that_stood_still_goes_on_when_nobody_came(
    ready: Session, lease: Callable[..., S3Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past its own expiry it asks S3: the object is as it left it, so it is renewed and held. Then it asks no more."""
    mine = lease()
    mine.acquire("ana", "dev-1")
    real, written = ready.s3_brief.put_object, list[object]()
    monkeypatch.setattr(
        ready.s3_brief, "put_object", lambda **given: (written.append(given["IfMatch"]), real(**given))[1]
    )
    mine._fresh_until = (0.0, datetime.min.replace(tzinfo=UTC))
    before = stored(ready)
    mine.check()
    mine.check()
    # Within one second the body is the same again, and so is its ETag.
    assert [before.etag] == written
    assert (1, False) == (stored(ready).fencing, stored(ready).given)
    mine.release()


def test_it_renews_itself(ready: Session, lease: Callable[..., S3Lease]) -> None:
    """Longer than its time to live, nobody else gets it."""
    mine = lease(ttl_s=3, renew_every_s=0.3)
    first = mine.acquire("ana", "dev-1").expires_at
    deadline = datetime.now(UTC) + timedelta(seconds=PATIENCE_S)
    while stored(ready).expires_at < first + timedelta(seconds=1.5):
        assert datetime.now(UTC) < deadline, "it was not renewed"
        with pytest.raises(Locked):
            lease().acquire("ben", "dev-2")
    mine.check()
    mine.release()


def test_unlocking_takes_it_from_whoever_has_it(lease: Callable[..., S3Lease]) -> None:
    """`inv unlock` names who had it; that holder's next renewal fails."""
    held = lease(renew_every_s=0.05)
    held.acquire("ana", "dev-1")
    broken = lease().break_()
    assert broken is not None
    assert broken.owner == "ana"
    assert lease().break_() is None
    deadline = datetime.now(UTC) + timedelta(seconds=PATIENCE_S)
    while not held._lost:
        assert datetime.now(UTC) < deadline, "the holder never noticed"
    with pytest.raises(StateUncertain):
        held.check()
    assert 2 == lease().acquire("ben", "dev-2").fencing


def test_a_lock_by_hand_has_no_end_and_says_why(lease: Callable[..., S3Lease]) -> None:
    """`inv lock`: nobody renews it, no time ends it, only `inv unlock` does; a held environment cannot be locked."""
    kept = lease().keep("ana", "the auditors are here")
    assert (1, "the auditors are here", 9999) == (kept.fencing, kept.reason, kept.expires_at.year)
    assert kept == lease().holder()
    for refused in (
        lambda: lease().acquire("ben", "dev-2"),
        lambda: lease().keep("ben", "me too"),
        lease().require_free,
    ):
        with pytest.raises(Locked) as caught:
            refused()
        assert "ana locked it: the auditors are here" in caught.value.seen
        assert "inv unlock" in caught.value.hint
    assert kept == lease().break_()
    lease().require_free()
    assert 2 == lease().acquire("ben", "dev-2").fencing


def test_twenty_at_once_give_one_winner(ready: Session, lease: Callable[..., S3Lease]) -> None:
    """All others are refused and name the winner."""
    start = threading.Barrier(20)

    def race(number: int) -> str:
        start.wait()
        try:
            return lease().acquire(f"racer-{number}", "dev-1").owner
        except Locked as locked:
            return locked.seen

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(race, range(20)))
    winner = stored(ready).owner
    assert [winner] == [answer for answer in answers if answer.startswith("racer-") and " " not in answer]
    assert 19 == len([answer for answer in answers if answer.startswith(f"{winner} holds it")])
    assert stored(ready).fencing == 1


def test_twenty_at_once_on_an_expired_lease_give_one_winner(ready: Session, lease: Callable[..., S3Lease]) -> None:
    """Takeover is as exclusive as the first taking."""
    lease().acquire("ana", "dev-0")
    expire(ready)
    start = threading.Barrier(20)

    def race(number: int) -> int:
        start.wait()
        try:
            return lease().acquire(f"racer-{number}", "dev-1").fencing
        except Locked:
            return 0

    with ThreadPoolExecutor(20) as pool:
        numbers = sorted(pool.map(race, range(20)))
    assert [0] * 19 + [2] == numbers


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"\xff"])
def test_a_damaged_lease_is_held_for_one_time_to_live_and_keeps_its_number(
    ready: Session, lease: Callable[..., S3Lease], body: bytes
) -> None:
    """Somebody may still be at work; after that it can be taken, and the number goes on from the metadata."""
    ready.s3.put_object(Bucket=ready.environment.state_bucket, Key=LEASE_KEY, Body=body, Metadata={"fencing": "41"})
    with pytest.raises(Locked) as caught:
        lease().acquire("ben", "dev-2")
    assert "damaged" in caught.value.seen
    assert 42 == lease(ttl_s=-60).acquire("ben", "dev-2").fencing


def test_the_first_command_of_an_environment_makes_the_bucket(
    session: Session, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no lease without the bucket, and no `terraform init` before the lease."""
    if session.environment.cloud == "aws":
        # moto would refuse the write by the very policy that ensure() sets; see `ready`.
        monkeypatch.setattr(session.s3, "put_bucket_policy", lambda **_: None)
    mine = S3Lease(session, clock, StateBucket(session), renew_every_s=1000)
    assert mine.holder() is None
    assert 1 == mine.acquire("ana", "dev-1").fencing
    mine.release()


def test_a_write_whose_answer_was_lost_is_recognised(
    ready: Session, lease: Callable[..., S3Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt arrived, its answer did not, and botocore's repeat was refused: it is ours all the same."""
    mine = lease()
    real = ready.s3_brief.put_object

    def twice(**arguments: Any) -> object:
        real(**arguments)
        return real(**arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ready.s3_brief, "put_object", twice)
        assert 1 == mine.acquire("ana", "dev-1").fencing
        mine._fresh_until = (0.0, datetime.min.replace(tzinfo=UTC))
        mine.check()
    mine.release()
    assert stored(ready).given


class Skewed(SystemClock):
    """This machine's clock, set wrong by `off`."""

    def __init__(self, off: timedelta) -> None:
        super().__init__()
        self._off = off

    def now(self) -> datetime:
        return super().now() + self._off


@pytest.mark.parametrize("hours", [-7, 7])
def test_a_wrong_clock_neither_loses_nor_takes_a_lease(local_session: Session, clock: SystemClock, hours: int) -> None:
    """Expiry is judged by S3's clock: hours ahead nothing has expired, hours behind what has expired is free.

    On the local cloud alone: moto's answers have no date.
    """
    bucket = StateBucket(local_session)
    right, wrong = (S3Lease(local_session, c, bucket, ttl_s=60) for c in (clock, Skewed(timedelta(hours=hours))))
    right.acquire("ada", "dev-1")
    with pytest.raises(Locked, match="ada holds it"):
        wrong.acquire("grace", "dev-2")
    expire(local_session)

    held = wrong.acquire("grace", "dev-2")
    wrong.check()

    assert abs(held.expires_at - datetime.now(UTC) - timedelta(seconds=60)) < timedelta(seconds=5)
    assert abs(wrong.now() - datetime.now(UTC)) < timedelta(seconds=5)
    with pytest.raises(Locked, match="grace holds it"):
        S3Lease(local_session, clock, bucket).acquire("ada", "dev-3")


def test_a_holder_that_was_killed_here_is_not_waited_for(ready: Session, lease: Callable[..., S3Lease]) -> None:
    """Its process is gone from this very machine, so nobody renews: free at once, and `status` shows no lock."""
    first = lease()
    first.acquire("ada", "dev-1")
    gone = replace(stored(ready), place=place_of_a_process_that_ended())
    ready.s3.put_object(Bucket=ready.environment.state_bucket, Key=LEASE_KEY, Body=dump(gone))

    assert lease().holder() is None
    assert 2 == lease().acquire("grace", "dev-2").fencing
    first.release()
    assert "grace" == stored(ready).owner


def test_a_refusal_says_how_long_it_lasts(lease: Callable[..., S3Lease]) -> None:
    """A run that was killed elsewhere renews no more: whoever waits that long has it."""
    lease(ttl_s=40).acquire("ada", "dev-1")
    with pytest.raises(Locked) as caught:
        lease().acquire("grace", "dev-2")
    seconds = int(caught.value.hint.partition("free in ")[2].split()[0])

    assert 30 <= seconds <= 41


def place_of_a_process_that_ended() -> str:
    """Name a process of this machine that has come and gone."""
    home = lease_place.of_this_process().rsplit("/", 2)[0]
    with subprocess.Popen(["true"]) as process:
        pid = process.pid
    return f"{home}/{pid}/1"
