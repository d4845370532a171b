"""One writer per environment: the S3 object `lease.json`, changed only with If-None-Match or If-Match.

    absent ── If-None-Match: * ──> held by A, fencing 1 ── If-Match, every 20 s ──> held by A, later expiry
    held by A ── released: If-Match ──> given back, fencing 1 ── If-Match ──> held by B, fencing 2
    held by A ── expiry passed ── If-Match ──> held by B, fencing 2; A's next renewal fails and A must stop

A holder whose process is known to have ended on this very machine (`kill -9`) is not waited for: its lease is taken
over as an expired one is. The object is never deleted, so the fencing number only grows. Conditional writes: S3 user
guide, "Conditional requests".

Expiry is judged by S3's clock, not by the machine's, which may be set while a run lasts. What S3 says of its clock, the
Date header of an answer, is cut to the second. So its time T is at least Date when the answer is here, and less than
Date + 1 s + (time since the question). Two rules follow, and no lease is judged expired too early or too late:

- An expiry is a whole second. For whoever looks, Date >= expiry is then the same as T >= expiry at the moment of the
  answer: an expired lease is seen as expired at once, and never before.
- A holder trusts its lease only while the latest that T can be (UNSURE) lies before the expiry, so it has always come
  to doubt it, and asks S3, before anybody can take it for expired.

Longer than other files: what a holder may believe at any moment is read in one place.
"""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING

from deployer.aws import lease_place
from deployer.aws.faults import Expected, mapped
from deployer.aws.lease_object import ABSENT, NEVER, UNTIL_UNLOCKED, Entry, dump, load
from deployer.aws.state_bucket import LEASE_KEY
from deployer.errors import DeployError, Locked, StateUncertain, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.aws.session import Session
    from deployer.aws.state_bucket import StateBucket
    from deployer.model import Holder
    from deployer.ports import Clock

TTL_S = 60.0
RENEW_EVERY_S = 20.0
CONFLICT = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "404"})
SLACK = timedelta(seconds=5)
"""By how much a renewal may end sooner than meant before it is written again: Date headers know whole seconds."""
UNSURE = timedelta(seconds=1.5)
"""By how much S3's clock may be ahead of its Date header, which is cut to the second (RFC 9110, 5.6.7); the half second
is for servers of S3 that differ, and for clocks of ours that go slower than theirs until the next renewal."""
ATTEMPTS = 5
"""Lost races before giving up: each means that somebody else got it, which the next look tells."""


def _held(seen: Entry, now: datetime) -> bool:
    """Whether somebody holds the environment at `now` who may still be at work."""
    return seen.active(now) and not lease_place.is_gone(seen.place)


@dataclass(frozen=True, slots=True)
class Heard:
    """What S3 said of its clock; when it was `asked` by both of our clocks, and the answer `here` by the steady one."""

    date: datetime
    asked: tuple[float, datetime]
    here: float


class S3Lease:
    """Fills ports.Lease. `bucket` makes the state bucket for an environment's very first command."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        bucket: StateBucket,
        *,
        ttl_s: float = TTL_S,
        renew_every_s: float = RENEW_EVERY_S,
    ) -> None:
        self._session = session
        self._clock = clock
        self._bucket = bucket
        self._name = session.environment.state_bucket
        self._ttl = timedelta(seconds=ttl_s)
        self._renew_every_s = renew_every_s
        self._writing = threading.RLock()  # one write at a time, however long S3 takes
        self._lock = threading.RLock()  # what is known here; never held while S3 is asked
        self._mine: Entry | None = None
        self._lost = ""
        self._fresh_until = (0.0, NEVER)  # by both of this machine's clocks: one stops in sleep, the other can jump
        self._heard: Heard | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self, owner: str, release: str) -> Holder:
        """Take it, or raise Locked naming the owner and the expiry. Renews itself until released."""
        nonce = uuid.uuid4().hex
        for _ in range(ATTEMPTS):
            seen, now = self._look()
            if seen.active(now) and seen.nonce == nonce:
                return self._hold(seen)  # our own write, whose answer was lost on the way
            if _held(seen, now):
                raise self._taken(seen, now)
            place = lease_place.of_this_process()
            wanted = Entry(owner, release, self._end(), seen.fencing + 1, nonce, place=place)
            with suppress(Expected):
                return self._hold(self._put(wanted, seen.etag))
        raise Locked(self._attempted, f"{ATTEMPTS} others took it in a row", "repeat the command")

    def keep(self, owner: str, reason: str) -> Holder:
        """Take it until somebody takes it away (`break_`); nothing renews it. Raises Locked."""
        for _ in range(ATTEMPTS):
            seen, now = self._look()
            if _held(seen, now):
                raise self._taken(seen, now)
            wanted = Entry(owner, "", UNTIL_UNLOCKED, seen.fencing + 1, uuid.uuid4().hex, reason=reason)
            with suppress(Expected):
                return self._put(wanted, seen.etag).holder()
        raise Locked(self._attempted, f"{ATTEMPTS} others took it in a row", "repeat the command")

    def release(self) -> None:
        """Give it back, if it is still ours."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._writing:
            with self._lock:
                mine, self._mine = self._mine, None
            if mine is not None and not self._lost:
                with suppress(Expected):
                    self._put(mine.given_back(), mine.etag)

    def require_free(self) -> None:
        """Raise Locked, as `acquire` would, when somebody holds it."""
        seen, now = self._look()
        if _held(seen, now):
            raise self._taken(seen, now)

    def holder(self) -> Holder | None:
        """Who holds it now, if anybody does and it has not expired."""
        seen, now = self._look()
        return seen.holder() if _held(seen, now) else None

    def unfinished(self) -> Holder | None:
        """Who took it last and has not given it back; nobody, long expired, when there is no lease at all."""
        seen, _ = self._look()
        return None if seen.given and seen.etag else seen.holder()

    def now(self) -> datetime:
        """What time it is by S3's clock at least; by this machine's before S3 was asked anything."""
        heard = self._heard
        if heard is None:
            return self._clock.now()
        return heard.date + timedelta(seconds=self._clock.monotonic() - heard.here)

    def check(self) -> None:
        """Raise StateUncertain when the lease was lost. Neither call nor wait while the last one is fresh."""
        if self._in_doubt():
            # The process stood still past the expiry (stopped, asleep): only S3 knows whose it is now.
            with suppress(Unreachable), self._writing:
                if self._in_doubt():
                    self._renew()
        with self._lock:
            lost = self._lost
            if self._mine is None:
                lost = "it is not held by this run"
            elif not lost and self._overdue():
                lost = "it expired and could not be renewed"
        if lost:
            raise StateUncertain(
                self._attempted,
                lost,
                "whoever holds it now owns the environment; `inv status` tells what is there",
            )

    def break_(self) -> Holder | None:
        """Remove it whoever holds it; return who did."""
        for _ in range(ATTEMPTS):
            seen, now = self._look()
            if not _held(seen, now):
                return None
            with suppress(Expected):
                self._put(seen.given_back(), seen.etag)
                return seen.holder()
        raise Locked(self._attempted, "it changes faster than it can be removed", "repeat the command")

    @property
    def _attempted(self) -> str:
        return f"holding the lock of {self._session.environment.name}"

    def _taken(self, seen: Entry, now: datetime) -> Locked:
        attempted, env = f"locking {self._session.environment.name}", f"--env={self._session.environment.short_name}"
        if seen.reason:
            return Locked(attempted, f"{seen.owner} locked it: {seen.reason}", f"inv unlock {env} --reason=… frees it")
        work = f" for {seen.release}" if seen.release else ""
        free_in_s = (seen.expires_at - now).total_seconds()
        return Locked(
            attempted,
            f"{seen.owner} holds it{work} until {seen.expires_at:%Y-%m-%d %H:%M:%S} UTC",
            f"inv attach {env} follows that run, inv abort {env} makes it put things back. If it does not live any "
            f"more, it is free in {free_in_s:.0f} s; or take it away: inv unlock {env} --reason=…",
        )

    def _look(self) -> tuple[Entry, datetime]:
        """Read the object and the server's time."""
        asked = self._clocks()
        try:
            with mapped(self._attempted, expected=MISSING):
                answer = self._session.s3_brief.get_object(Bucket=self._name, Key=LEASE_KEY)
                body = answer["Body"].read()
        except Expected as absent:
            return ABSENT, self._server_now(absent.headers, asked)
        now = self._server_now(answer["ResponseMetadata"]["HTTPHeaders"], asked)
        return load(body, answer["ETag"], answer.get("Metadata", {}), answer["LastModified"] + self._ttl), now

    def _clocks(self) -> tuple[float, datetime]:
        return self._clock.monotonic(), self._clock.now()

    def _server_now(self, headers: Mapping[str, str], asked: tuple[float, datetime]) -> datetime:
        if "date" in headers:
            date = parsedate_to_datetime(headers["date"]).astimezone(UTC)
            self._heard = Heard(date, asked, self._clock.monotonic())
        return self.now()

    def _end(self) -> datetime:
        """When a lease that is written now expires: a whole second, like the Date headers that tell."""
        return (self.now() + self._ttl).replace(microsecond=0)

    def _put(self, entry: Entry, etag: str) -> Entry:
        """Write the object if it still is what was read (`etag`, "" for absent), and return the entry as stored.

        Raises Expected when it is not.
        """
        put = partial(
            self._session.s3_brief.put_object,
            Bucket=self._name,
            Key=LEASE_KEY,
            Body=dump(entry),
            ContentType="application/json",
            # Survives a damaged body: the number must never start again.
            Metadata={"fencing": str(entry.fencing)},
        )
        asked = self._clocks()
        try:
            with mapped(self._attempted, expected=CONFLICT | MISSING):
                answer = put(IfMatch=etag) if etag else put(IfNoneMatch="*")
        except Expected as refused:
            if refused.code == "NoSuchBucket":
                self._bucket.ensure()  # the environment's very first command; the caller looks again
            raise
        self._server_now(answer["ResponseMetadata"]["HTTPHeaders"], asked)
        return entry.stored(answer["ETag"])

    def _hold(self, entry: Entry) -> Holder:
        with self._lock:
            self._lost = ""
            self._keep(entry)
        self._stop.clear()
        self._thread = threading.Thread(target=self._renew_until_released, name="lease", daemon=True)
        self._thread.start()
        return entry.holder()

    def _keep(self, entry: Entry) -> None:
        """Trust it until S3's clock may have come to its expiry: counted from the question, as late as that can be."""
        with self._lock:
            heard = self._heard or Heard(self._clock.now(), self._clocks(), self._clock.monotonic())
            good_for, (monotonic, wall) = entry.expires_at - heard.date - UNSURE, heard.asked
            self._mine = entry
            self._fresh_until = (monotonic + good_for.total_seconds(), wall + good_for)

    def _in_doubt(self) -> bool:
        with self._lock:
            return self._mine is not None and not self._lost and self._overdue()

    def _overdue(self) -> bool:
        monotonic, wall = self._fresh_until
        return self._clock.monotonic() >= monotonic or self._clock.now() >= wall

    def _renew_until_released(self) -> None:
        while not self._stop.wait(self._renew_every_s):
            # Out of reach is no loss yet: `check` decides once the time to live has passed.
            with suppress(DeployError), self._writing:
                self._renew()
            if self._lost:
                return

    def _renew(self) -> None:
        """Move the expiry if the object is still as we left it; else note who has it. Call while writing is ours.

        What was known of S3's clock can be wrong (the machine slept): its answer tells, and the expiry is set right.
        """
        for _ in range(2):
            mine = self._mine
            if mine is None or self._lost:
                return
            try:
                renewed = self._put(mine.until(self._end()), mine.etag)
            except Expected:
                seen, now = self._look()
                if seen.nonce == mine.nonce and seen.active(now):
                    self._keep(seen)  # a renewal arrived after all, only its answer was lost
                else:
                    self._lost = f"{seen.owner or 'nobody'} has it now (fencing {seen.fencing})"
                return
            self._keep(renewed)
            if renewed.expires_at >= self.now() + self._ttl - SLACK:
                return
