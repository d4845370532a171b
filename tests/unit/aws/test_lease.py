"""What a holder believes while S3 takes its time and this machine's clock is set. The rest: contract/aws/test_lease."""

from __future__ import annotations

import io
import threading
from datetime import datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.aws.lease import S3Lease
from deployer.aws.lease_object import ABSENT, dump, load
from deployer.errors import StateUncertain
from tests.fakes import FakeClock
from tests.unit.aws import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TTL = timedelta(seconds=60)
NEVER_RENEWS_S = 1000.0
NOW = FakeClock().now()


class Bucket:
    """One object, on a server whose clock goes right. A write is answered once `open_` is set.

    A question is `there_s` on its way, an answer, which the clock is read for, `back_s`.
    """

    def __init__(self, time: FakeClock) -> None:
        self.time = time
        self.open_ = threading.Event()
        self.open_.set()
        self.asked = threading.Event()
        self.body = b""
        self.writes = 0
        self.there_s = self.back_s = 0.0

    def put_object(self, *, Body: bytes, IfMatch: str = "", **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Write on condition."""
        self.asked.set()
        assert self.open_.wait(10), "nobody lets it answer"
        self.time.wait(self.there_s)
        assert IfMatch in ("", str(self.writes)), "not what was written last"
        self.body = Body
        self.writes += 1
        return {"ETag": str(self.writes), **self._head()}

    def get_object(self, **_: object) -> dict[str, Any]:
        """Read; before the first write nobody has ever held it."""
        self.time.wait(self.there_s)
        body = self.body or dump(ABSENT)
        return {"Body": io.BytesIO(body), "ETag": str(self.writes), "LastModified": NOW, **self._head()}

    def _head(self) -> dict[str, Any]:
        date = format_datetime(self.time.now(), usegmt=True)  # cut to the second, as S3's is
        self.time.wait(self.back_s)
        return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    @property
    def expires_at(self) -> datetime:
        """When the lease ends, as anybody else reads it."""
        return load(self.body, "", {}, NOW).expires_at


class Machine(FakeClock):
    """This machine: its wall clock can be set, and its other one stands still in sleep."""

    def __init__(self, time: FakeClock) -> None:
        super().__init__()
        self._time = time
        self.set_by = timedelta(0)
        self.slept_s = 0.0

    def now(self) -> datetime:
        """The wall clock."""
        return self._time.now() + self.set_by

    def monotonic(self) -> float:
        """The one that does not jump."""
        return self._time.monotonic() - self.slept_s


@pytest.fixture
def time() -> FakeClock:
    """The time that passes everywhere."""
    return FakeClock()


@pytest.fixture
def bucket(time: FakeClock) -> Bucket:
    """The server's side."""
    return Bucket(time)


@pytest.fixture
def machine(time: FakeClock) -> Machine:
    """Our side."""
    return Machine(time)


@pytest.fixture
def lease(bucket: Bucket, machine: Machine) -> Iterator[S3Lease]:
    """A lease that is held, and renewed only when a test says so."""
    made = of(bucket, machine)
    made.acquire("ana", "dev-1")
    yield made
    made.release()


def of(bucket: Bucket, machine: Machine) -> S3Lease:
    """The lease as a process of this machine sees it; renewed only when a test says so."""
    session: Any = SimpleNamespace(environment=values.environment(), s3_brief=bucket)
    return S3Lease(session, machine, Any, ttl_s=TTL.total_seconds(), renew_every_s=NEVER_RENEWS_S)


def test_a_check_does_not_wait_behind_a_renewal(lease: S3Lease, bucket: Bucket) -> None:
    """S3 takes its time: while the last renewal is fresh, whoever puts visitors back goes on."""
    bucket.open_.clear()
    bucket.asked.clear()
    renewal = threading.Thread(target=lambda: renew(lease))
    renewal.start()
    assert bucket.asked.wait(10)
    checked = threading.Thread(target=lease.check, daemon=True)
    checked.start()
    checked.join(5)
    waits = checked.is_alive()
    bucket.open_.set()
    renewal.join(10)

    assert not waits


def test_a_check_past_the_expiry_waits_for_the_renewal_under_way(
    lease: S3Lease, bucket: Bucket, time: FakeClock
) -> None:
    """Then only S3 knows whose it is."""
    time.wait(TTL.total_seconds() + 1)
    bucket.open_.clear()
    bucket.asked.clear()
    renewal = threading.Thread(target=lambda: renew(lease))
    renewal.start()
    assert bucket.asked.wait(10)
    threading.Timer(0.05, bucket.open_.set).start()
    lease.check()
    renewal.join(10)

    assert 2 == bucket.writes


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_clock_that_is_set_while_a_run_lasts_does_not_end_its_lease(
    lease: S3Lease, bucket: Bucket, time: FakeClock, machine: Machine, hours: int
) -> None:
    """Every renewal is good for its time by the server's clock, the first one after the step too."""
    machine.set_by = timedelta(hours=hours)
    for _ in range(2):
        time.wait(20)
        renew(lease)
        assert time.now() + TTL == bucket.expires_at
    lease.check()


def test_a_machine_that_slept_renews_by_the_servers_clock(
    lease: S3Lease, bucket: Bucket, time: FakeClock, machine: Machine
) -> None:
    """What it believed of that clock is an hour old: the answer tells, and the expiry is set right at once."""
    time.wait(3600)
    machine.slept_s = 3600
    lease.check()

    assert time.now() + TTL == bucket.expires_at


def test_the_time_is_the_servers_as_last_heard(lease: S3Lease, time: FakeClock, machine: Machine) -> None:
    """And goes on as ours does that never jumps."""
    machine.set_by = timedelta(days=-1)
    time.wait(7)

    assert time.now() == lease.now()


@pytest.mark.parametrize("renewed_after_s", [None, 19.5, 20.0, 20.99])
@pytest.mark.parametrize(("there_s", "back_s"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (2.5, 1.7)])
@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.25, 0.5, 0.75, 0.99])
def test_nobody_takes_what_its_holder_trusts(
    time: FakeClock, bucket: Bucket, fraction: float, there_s: float, back_s: float, renewed_after_s: float | None
) -> None:
    """S3 says whole seconds only: wherever in one it was written, whatever the way takes, in doubt comes first.

    Whoever looks after that finds it free from the very moment of its expiry, and not sooner.
    """
    time.wait(fraction)
    holder, other = of(bucket, Machine(time)), of(bucket, Machine(time))
    bucket.there_s, bucket.back_s = there_s, back_s
    holder.acquire("ana", "dev-1")
    if renewed_after_s is not None:
        time.wait(renewed_after_s)
        renew(holder)
    bucket.there_s = bucket.back_s = 0.0
    time.wait((bucket.expires_at - time.now()).total_seconds() - 2.6)

    looks = []
    while time.now() < bucket.expires_at + timedelta(seconds=1):
        held, trusted = other.holder() is not None, not holder._overdue()
        looks.append((held, trusted))
        assert held == (time.now() < bucket.expires_at)
        time.wait(0.1)
    assert (False, True) not in looks
    assert {(True, False), (False, False)} <= set(looks)
    holder.release()


def test_a_lease_is_trusted_for_most_of_its_time(lease: S3Lease, bucket: Bucket, time: FakeClock) -> None:
    """Caution costs three seconds at most: two renewals that fail may be followed by one that does not."""
    time.wait(TTL.total_seconds() - 3)
    lease.check()

    assert 1 == bucket.writes


def test_what_was_given_back_is_not_renewed(lease: S3Lease, bucket: Bucket) -> None:
    """Not by a renewal that was late either."""
    lease.release()
    renew(lease)

    assert (2, True) == (bucket.writes, load(bucket.body, "", {}, NOW).given)
    with pytest.raises(StateUncertain, match="not held"):
        lease.check()


def renew(lease: S3Lease) -> None:
    """Do what its thread does every 20 seconds."""
    stop, once = lease._stop, SimpleNamespace(wait=_once())
    lease._stop = once  # type: ignore[assignment]
    lease._renew_until_released()
    lease._stop = stop


def _once() -> Callable[[float], bool]:
    answers = iter([False, True])
    return lambda _: next(answers)
