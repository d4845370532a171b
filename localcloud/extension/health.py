"""Target health by AWS's rules, checked by this process: state, reason code and description of every target.

HAProxy 2.6 presumes a new server up until its first check fails and forgets what it knew at each reload; a target of
AWS starts as ``initial`` and gets no request before a check has passed. So the checks are ours and HAProxy is told.
Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html

One liberty: until its first success a target is tried a hundred times a second, not once an interval, because AWS does
not say when within the interval it starts. Failures count once an interval, as they do there.
"""

import http.client
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from localcloud.extension.elb import HealthCheck, State, Target, TargetGroup

EAGER_S = 0.01
WORKERS = 8

Key = tuple[str, Target]
Clock = Callable[[], float]
Probe = Callable[[HealthCheck, Target], "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found; ``reason`` is AWS's code, empty when it passed."""

    passed: bool
    reason: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """What DescribeTargetHealth says of one target, and the counters behind it (times on the monotonic clock)."""

    state: str = "initial"
    reason: str = "Elb.RegistrationInProgress"
    description: str = "Target registration is in progress"
    row: int = 0  # successes in a row when positive, failures in a row when negative
    next_at: float = 0.0
    count_at: float = 0.0


NOT_IN_USE = "Target group is not configured to receive traffic from the load balancer"
UNUSED = TargetHealth("unused", "Target.NotInUse", NOT_IN_USE)
DRAINING = TargetHealth("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")


def check(how: HealthCheck, target: Target) -> Verdict:
    """Ask TARGET for the health path once."""
    port = target.port if how.port == "traffic-port" else int(how.port)
    connection = http.client.HTTPConnection(target.host, port, timeout=how.timeout_s)
    try:
        headers = {"User-Agent": "ELB-HealthChecker/2.0", "Connection": "close", "Host": f"{target.host}:{port}"}
        connection.request("GET", how.path, headers=headers)
        status = connection.getresponse().status
    except TimeoutError:
        return Verdict(False, "Target.Timeout", "Request timed out")
    except (OSError, http.client.HTTPException):
        return Verdict(False, "Target.FailedHealthChecks", "Health checks failed")
    finally:
        connection.close()
    if matches(how.codes, status):
        return Verdict(True)
    return Verdict(False, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


def matches(codes: str, status: int) -> bool:
    """Whether STATUS is among CODES, written as AWS does: ``200``, ``200,202`` or ``200-299``."""
    for part in codes.split(","):
        low, _, high = part.strip().partition("-")
        if low.isdigit() and int(low) <= status <= int(high or low):
            return True
    return False


def after(now: float, how: HealthCheck, health: TargetHealth, verdict: Verdict) -> TargetHealth:
    """The health of a target once VERDICT is known; one success is enough for a target that was never healthy."""
    if verdict.passed:
        row = max(health.row, 0) + 1
        if health.state == "initial" or row >= how.healthy_after:
            return TargetHealth("healthy", "", "", row, now + how.interval_s, now)
        return replace(health, row=row, next_at=now + how.interval_s, count_at=now)
    initial = health.state == "initial"
    counted = now >= health.count_at
    row = min(health.row, 0) - 1 if counted else health.row
    count_at = now + how.interval_s if counted else health.count_at
    next_at = now + (min(EAGER_S, how.interval_s) if initial else how.interval_s)
    if -row >= how.unhealthy_after:
        return TargetHealth("unhealthy", verdict.reason, verdict.description, row, next_at, count_at)
    if initial:
        what = "Initial health checks in progress"
        return TargetHealth("initial", "Elb.InitialHealthChecking", what, row, next_at, count_at)
    return replace(health, row=row, next_at=next_at, count_at=count_at)


class HealthBook:
    """The health of every target of every group in use; ``tick`` starts the checks that are due."""

    def __init__(self, changed: Callable[[], None], probe: Probe = check, clock: Clock = time.monotonic) -> None:
        self._changed = changed
        self._probe = probe
        self._clock = clock
        self._lock = threading.Lock()
        self._book: dict[Key, TargetHealth] = {}
        self._running: set[Key] = set()
        self._checked: set[Key] = set()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="health")

    def of(self, group: TargetGroup, target: Target) -> TargetHealth:
        """The health of a registered target; one that was never seen yet is ``initial``."""
        if not group.in_use:
            return UNUSED
        with self._lock:
            return self._book.get((group.arn, target), TargetHealth())

    def due_in_s(self) -> float:
        """How long until a check is due; infinite when none is to come. One that runs is not due, whatever it finds."""
        with self._lock:
            next_at = [self._book[key].next_at for key in self._checked - self._running if key in self._book]
        return min(next_at, default=math.inf) - self._clock()

    def tick(self, state: State) -> None:
        """Forget targets that are gone, take up new ones and start every check that is due; never waits."""
        now = self._clock()
        used = [group for group in state.groups if group.in_use]
        wanted = {(group.arn, target): group.check for group in used for target in group.targets}
        with self._lock:
            for key in [key for key in self._book if key not in wanted]:
                del self._book[key]
            self._checked = {key for key, how in wanted.items() if how.enabled}
            due = []
            for key, how in wanted.items():
                health = self._book.setdefault(key, TargetHealth())
                if not how.enabled:
                    self._book[key] = TargetHealth("healthy", "", "", 1)
                elif now >= health.next_at and key not in self._running:
                    self._running.add(key)
                    due.append((key, how))
        for key, how in due:
            self._pool.submit(self._check, key, how)

    def _check(self, key: Key, how: HealthCheck) -> None:
        try:
            verdict = self._probe(how, key[1])
        except ValueError as error:  # a port or path that makes no URL shows as a failed check, not as no check
            verdict = Verdict(False, "Elb.InternalError", str(error))
        with self._lock:
            self._running.discard(key)
            health = self._book.get(key)
            if health is None:
                return
            self._book[key] = found = after(self._clock(), how, health, verdict)
        if found.state != health.state:
            self._changed()
