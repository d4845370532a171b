"""An in-memory fake for every port of the deployer, each as small as it can be and still honest.

A fake remembers what it is told, answers from that, and keeps the promises of its Protocol's docstring. Every method
can be made to fail: `fakes.compute.fail("roll_out", ReleaseFailed(…), "frontend")`. Time passes by waits alone.
Longer than other files, since whoever changes a port should find its fake in one place. What a method does is said by
the Protocol that it fills.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployer.errors import InputError, Interrupted, Locked, ReleaseFailed, StateUncertain
from deployer.journal import Journal
from deployer.journal_page import Page
from deployer.journalled import JournalledCompute, JournalledInfrastructure, JournalledLedger, JournalledTraffic
from deployer.model import (
    BuiltImage,
    Change,
    Checked,
    Color,
    Drift,
    Environment,
    Figures,
    Harm,
    Holder,
    Image,
    Plan,
    Record,
    Release,
    Revision,
    StageResult,
    StoppedTask,
    Target,
    Topology,
)
from deployer.ports import Say, World
from tests.examples import ENVIRONMENT, NOW, TOPOLOGY


class Killed(BaseException):
    """The process is gone: not an error that anybody could handle."""


class Fake:
    """Remembers every call as (method, *arguments) and fails on demand. A `dead` one does nothing any more."""

    dead = False

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._failures: list[tuple[tuple[object, ...], BaseException]] = []

    def fail(self, method: str, error: BaseException, *arguments: object, times: int = 1) -> None:
        """Raise `error` from the next `times` calls of `method` whose first arguments are `arguments`."""
        self._failures += [((method, *arguments), error)] * times

    def called(self, method: str) -> list[tuple[object, ...]]:
        """The arguments of every call of `method`."""
        return [call[1:] for call in self.calls if call[0] == method]

    def _call(self, *call: object) -> None:
        if self.dead:
            raise Killed
        self.calls.append(call)
        for index, (wanted, error) in enumerate(self._failures):
            if call[: len(wanted)] == wanted:
                del self._failures[index]
                raise error


class FakeClock:
    """Time that passes only when somebody waits. At `stop_at` (seconds) the run is asked to stop."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.stop = stop or threading.Event()
        self.stop_at: float | None = None
        self._elapsed = 0.0
        self._lock = threading.Lock()
        self._local = threading.local()

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def wait(self, seconds: float) -> None:
        with self._lock:
            self._elapsed += seconds
        if self.stop_at is not None and self._elapsed >= self.stop_at:
            self.stop.set()
        if self.stop.is_set() and not self.shielded:
            raise Interrupted("wait", "asked to stop")

    @property
    def shielded(self) -> bool:
        return getattr(self._local, "depth", 0) > 0

    @contextmanager
    def shield(self) -> Iterator[None]:
        self._local.depth = getattr(self._local, "depth", 0) + 1
        try:
            yield
        finally:
            self._local.depth -= 1


class FakePlatform(Fake):
    def ready(self, say: Say) -> str:
        self._call("ready")
        say("starting")
        return "the cloud is up"


class FakeGates(Fake):
    """Sessions in `unchanged` have passed before."""

    def __init__(self) -> None:
        super().__init__()
        self.unchanged: set[str] = set()

    def run(self, sessions: Sequence[str], log: Path, say: Say) -> Checked:
        self._call("run", *sessions)
        if self.unchanged.issuperset(sessions):
            return Checked("passed 2026-03-04 05:06:07Z, 12 min ago", cached=True)
        say(f"log in {log.name}")
        return Checked(f"{', '.join(sessions)} passed")


class FakeBuilder(Fake):
    def build(self, service: str, *, commit: str, created: datetime, log: Path, say: Say) -> BuiltImage:
        self._call("build", service, commit, created)
        say(f"log in {log.name}")
        return BuiltImage(
            service, f"local/{service}:{commit[:7]}", f"sha256:{digest(service, commit)}", 42_000_000, False
        )


def digest(*parts: str) -> str:
    """Sixty-four hex digits that depend on `parts` alone."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


class FakeRegistry(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[tuple[str, str], Image] = {}
        self.digests: set[tuple[str, str]] = set()

    def push(self, built: BuiltImage, repository: str, tags: Sequence[str], say: Say) -> Image:
        self._call("push", built.service, repository, tuple(tags))
        say(f"pushed {built.reference}")
        image = Image(built.service, repository, f"sha256:{digest('manifest', built.image_id)}", tuple(tags))
        self.digests.add((repository, image.digest))
        self.tag(image, tags)
        return image

    def tag(self, image: Image, tags: Sequence[str]) -> None:
        self._call("tag", image.service, tuple(tags))
        self.tags.update({(image.repository, tag): image for tag in tags})

    def has(self, image: Image) -> bool:
        self._call("has", image.service)
        return (image.repository, image.digest) in self.digests

    def is_of(self, image: Image, built: BuiltImage) -> bool:
        self._call("is_of", image.service)
        same = image.digest == f"sha256:{digest('manifest', built.image_id)}"
        return same and (image.repository, image.digest) in self.digests

    def reference(self, image: Image) -> str:
        return f"registry.test/{image.repository}@{image.digest}"


class FakeInfrastructure(Fake):
    """`changes` is what the next plan holds, `clean` the last one if nothing has changed since."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.changes: tuple[Change, ...] = ()
        self.drifted = Drift(())
        self.planned: Plan | None = None
        self.clean: Plan | None = None
        self.topology_or_none: Topology | None = TOPOLOGY

    def prepare(self, say: Say) -> None:
        self._call("prepare")
        say("initialised")

    def unchanged(self) -> Plan | None:
        self._call("unchanged")
        return self.clean

    def plan(self, commit: str, log: Path, say: Say) -> Plan:
        self._call("plan")
        say("planned")
        sha256 = digest("plan", repr(self.changes))
        self.planned = Plan(log.with_suffix(".tfplan"), sha256, self.changes, self._clock.now(), commit)
        return self.planned

    def apply(self, plan: Plan, log: Path, say: Say) -> None:
        self._call("apply", plan)
        say(f"log in {log.name}")
        if self.planned is None or plan.sha256 != self.planned.sha256:
            raise ReleaseFailed("apply the plan", "the file is not the one that was saved")

    def drift(self, log: Path, say: Say) -> Drift:
        self._call("drift")
        return self.drifted

    def topology(self) -> Topology:
        self._call("topology")
        if self.topology_or_none is None:
            raise InputError("read the topology", "the environment was never applied")
        return self.topology_or_none


class FakeCompute(Fake):
    """ECS: a roll-out takes a virtual second; containers whose image digest is in `crashing` die at start."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.crashing: set[str] = set()
        self.task_log: tuple[str, ...] = ()
        self.stopped_tasks: dict[str, tuple[StoppedTask, ...]] = {}
        self._clock = clock
        self.scheduled = ""
        self.told: dict[tuple[str, Color], Revision] = {}
        self._known: dict[str, Revision] = {}
        self.deregistered: set[str] = set()
        self._lock = threading.Lock()

    def serve(self, release: Release, color: Color = Color.BLUE, count: int = 1) -> dict[str, str]:
        """Let both services run `release`, as an earlier run left them; returns their task definitions."""
        arns = {
            s: self.register(replace(release, color=color), s, f"x@sha256:{digest(s, release.id)}")
            for s in TOPOLOGY.services
        }
        for service, arn in arns.items():
            self.told[service, color] = replace(self._known[arn], desired=count, running=count, rollout="COMPLETED")
        self.calls.clear()
        return arns

    def live(self, service: str, color: Color) -> Revision:
        self._call("live", service, color)
        return self.told.get((service, color), Revision(service, color, None, "", "", "", 0, 0, ""))

    def register(self, release: Release, service: str, image_reference: str) -> str:
        self._call("register", service, release.id)
        with self._lock:
            for arn, known in self._known.items():
                if (known.service, known.color, known.release) == (service, release.color, release.serves):
                    return arn
            arn = (
                f"arn:aws:ecs:ap-south-1:000000000000:task-definition/indivillage-dev-{service}:{len(self._known) + 1}"
            )
            image = image_reference.rpartition("@")[2]
            content = self.content(release, service, image_reference)
            self._known[arn] = Revision(
                service, release.color, arn, release.serves, release.commit, image, 0, 0, "", content
            )
            return arn

    def content(self, release: Release, service: str, image_reference: str) -> str:
        return digest(service, release.color, release.commit, image_reference.rpartition("@")[2])

    def registered(self, service: str, releases: Collection[str]) -> tuple[str, ...]:
        self._call("registered", service, *releases)
        return tuple(
            arn
            for arn, known in self._known.items()
            if known.service == service and known.release in releases and arn not in self.deregistered
        )

    def deregister(self, task_definition: str) -> None:
        self._call("deregister", task_definition)
        self.deregistered.add(task_definition)

    def roll_out(
        self, service: str, color: Color, task_definition: str, count: int, timeout_s: float, say: Say
    ) -> None:
        self._call("roll_out", service, color, task_definition, count)
        wanted = replace(self._known[task_definition], color=color, desired=count)
        self.told[service, color] = replace(wanted, rollout="IN_PROGRESS")
        say(f"{service}: waiting at most {timeout_s} s")
        self._clock.wait(1.0)
        if wanted.digest in self.crashing:
            self.told[service, color] = replace(wanted, rollout="FAILED")
            details = tuple(f"{t.reason}, exit code {t.exit_code}" for t in self.stopped(service, task_definition))
            raise ReleaseFailed(f"roll out {service}", "the circuit breaker fired", details=details)
        self.told[service, color] = replace(wanted, running=count, rollout="COMPLETED")

    def scale(self, service: str, color: Color, count: int) -> None:
        self._call("scale", service, color, count)
        if (service, color) in self.told:
            self.told[service, color] = replace(self.told[service, color], desired=count, running=count)

    def keep(self, service: str, color: Color, fewest: int) -> None:
        self._call("keep", service, color, fewest)

    def run_task(self, service: str, task_definition: str, command: Sequence[str], timeout_s: float, say: Say) -> None:
        self._call("run_task", service, task_definition, tuple(command), timeout_s)
        for line in self.task_log:
            say(line)

    def schedule(self, image_reference: str) -> bool:
        self._call("schedule", image_reference)
        before, self.scheduled = self.scheduled, image_reference
        return before != image_reference

    def stopped(self, service: str, task_definition: str) -> tuple[StoppedTask, ...]:
        self._call("stopped", service, task_definition)
        if task_definition in self.stopped_tasks:
            return self.stopped_tasks[task_definition]
        if self._known[task_definition].digest not in self.crashing:
            return ()
        return (StoppedTask("arn:task", task_definition, service, "Essential container exited", 1, ("boom",)),)


class FakeTraffic(Fake):
    """ELBv2: one target for each running task, in the state that `states` names, else healthy."""

    def __init__(self, compute: FakeCompute) -> None:
        super().__init__()
        self.states: dict[tuple[str, Color], str] = {}
        self.split: dict[Color, int] = {Color.BLUE: 100, Color.GREEN: 0}
        self.tested: Color | None = Color.GREEN
        self._compute = compute

    def weights(self) -> Mapping[Color, int]:
        self._call("weights")
        return dict(self.split)

    def set_weights(self, weights: Mapping[Color, int]) -> None:
        self._call("set_weights", dict(weights))
        self.split = dict(weights)

    def test_color(self) -> Color | None:
        self._call("test_color")
        return self.tested

    def point_test(self, color: Color) -> None:
        self._call("point_test", color)
        self.tested = color

    def targets(self, service: str, color: Color) -> tuple[Target, ...]:
        self._call("targets", service, color)
        state = self.states.get((service, color), "healthy")
        return tuple(Target(f"10.0.0.{n}", state) for n in range(1, self._compute.live(service, color).running + 1))


class FakeMetrics(Fake):
    """CloudWatch: both colors do well, with visitors enough, but for what `seen` and `states` (of alarms) say."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, str] = {"indivillage-dev-blue-errors": "OK"}
        self.seen: dict[Color, Figures] = {}

    def alarms(self) -> Mapping[str, str]:
        self._call("alarms")
        return dict(self.states)

    def firing(self) -> tuple[str, ...]:
        self._call("firing")
        return tuple(sorted(name for name, state in self.states.items() if state == "ALARM"))

    def figures(self, since: datetime, until: datetime) -> Mapping[Color, Figures]:
        self._call("figures", since, until)
        return {color: self.seen.get(color, Figures(1000, 0, 20.0, 1.0)) for color in Color}


class FakePreflight(Fake):
    """`found` is what is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[str, ...] = ()

    def problems(self, release: Release) -> tuple[str, ...]:
        self._call("problems", release.id)
        return self.found


class FakeMigrations(Fake):
    """Revisions that harm as `found` says: what comes after each head."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[Harm, ...]] = {}

    def harm(self, since: str) -> tuple[Harm, ...]:
        self._call("harm", since)
        return self.found.get(since, ())


class FakeProbe(Fake):
    """Visitors meet the color with most of the traffic; the test listener leads where it is pointed."""

    def __init__(self, compute: FakeCompute, traffic: FakeTraffic) -> None:
        super().__init__()
        self._compute = compute
        self._traffic = traffic

    def version(self, *, idle: bool = False) -> Mapping[str, str]:
        self._call("version", *(["idle"] if idle else []))
        public = max(self._traffic.split, key=lambda color: self._traffic.split[color])
        live = self._compute.live("backend", (self._traffic.tested or public) if idle else public)
        if not live.running:
            raise ReleaseFailed("GET /api/version", "503")
        return {"release": live.release, "commit": live.commit, "color": live.color, "image_digest": live.digest}

    def smoke(self, release_id: str, say: Say, log: Path, *, idle: bool = False) -> str:
        self._call("smoke", release_id, *(["idle"] if idle else []))
        say(f"log in {log.name}")
        return "12 checks passed"

    def sample(self, count: int, within_s: float, *, idle: bool = False) -> int:
        self._call("sample", count, within_s, *(["idle"] if idle else []))
        return count


class FakeLedger(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, Record] = {}

    def write(self, record: Record) -> None:
        self._call("write", record.release, record.outcome)
        self.records[record.release] = record

    def find(self, release_id: str) -> Record | None:
        self._call("find", release_id)
        return self.records.get(release_id)

    def history(self) -> tuple[Record, ...]:
        self._call("history")
        return tuple(sorted(self.records.values(), key=lambda record: record.started_at, reverse=True))

    def mend(self, damaged: Collection[str]) -> tuple[str, ...]:
        self._call("mend", *damaged)
        return ()


class FakeJournalStore(Fake):
    """Refuses a page of an older run, as S3 does. `hurried` counts the writes that were to be tried once only."""

    def __init__(self) -> None:
        super().__init__()
        self.page: Page | None = None
        self.hurried = 0

    def read(self) -> Page | None:
        self._call("read")
        return self.page

    def write(self, page: Page, *, once: bool = False) -> None:
        self.hurried += once
        self._call("write", page)
        if self.page is not None and self.page.fencing > page.fencing:
            raise StateUncertain("keep the journal", f"{self.page.actor} has gone on meanwhile")
        self.page = page


class FakeAbort(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.wanted: dict[int, str] = {}

    def ask(self, fencing: int, actor: str, reason: str) -> None:
        self._call("ask", fencing, actor, reason)
        self.wanted[fencing] = f"aborted by {actor}: {reason}"

    def asked(self, fencing: int) -> str:
        self._call("asked", fencing)
        return self.wanted.get(fencing, "")


class FakeLease(Fake):
    """Ours until released; `lose` gives it to somebody else for a virtual minute. Its clock is `ahead` of ours."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self._holder: Holder | None = None
        self._ours: Holder | None = None
        self._fencing = 0
        self.ahead = timedelta(0)

    def acquire(self, owner: str, release: str) -> Holder:
        self._call("acquire", owner, release)
        self.require_free()
        self._ours = self._next(owner, release)
        return self._ours

    def require_free(self) -> None:
        self._call("require_free")
        held = self.holder()
        if held:
            raise Locked("take the lease", f"{held.owner} holds it until {held.expires_at:%H:%M:%S}")

    def keep(self, owner: str, reason: str) -> Holder:
        self._call("keep", owner, reason)
        self.require_free()
        self._holder = replace(self._next(owner, ""), expires_at=datetime.max.replace(tzinfo=UTC), reason=reason)
        return self._holder

    def lose(self, owner: str) -> None:
        """Let somebody else take it over."""
        self._next(owner, "")

    def renew(self) -> None:
        """Let whoever holds it show a sign of life."""
        assert self._holder is not None
        self._holder = replace(self._holder, expires_at=self._clock.now() + timedelta(minutes=1))

    def expire(self) -> None:
        """Let its time have passed."""
        self._holder = self._ours = None

    def _next(self, owner: str, release: str) -> Holder:
        self._fencing += 1
        self._holder = Holder(owner, self._clock.now() + timedelta(minutes=1), self._fencing, release)
        return self._holder

    def release(self) -> None:
        self._call("release")
        if self._holder is self._ours:
            self._holder = None
        self._ours = None

    def holder(self) -> Holder | None:
        held = self._holder
        return held if held and (held is self._ours or held.expires_at > self._clock.now()) else None

    def unfinished(self) -> Holder | None:
        self._call("unfinished")
        return self._holder

    def now(self) -> datetime:
        return self._clock.now() + self.ahead

    def check(self) -> None:
        self._call("check")
        if self._ours is not None and self._holder is not self._ours:
            raise StateUncertain("go on with the release", "the lease was lost")

    def break_(self) -> Holder | None:
        self._call("break_")
        held, self._holder = self.holder(), None
        return held


class Heard:
    """Remembers what the runner tells, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def started(self, stage: str) -> None:
        self.lines.append(f"{stage} started")

    def said(self, stage: str, line: str) -> None:
        self.lines.append(f"{stage}: {line}")

    def ended(self, result: StageResult) -> None:
        self.lines.append(f"{result.name} {result.status}")


@dataclass
class Fakes:
    """A whole world of fakes; `world(logs)` is what stages get."""

    clock: FakeClock = field(default_factory=FakeClock)
    environment: Environment = ENVIRONMENT
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.platform = FakePlatform()
        self.gates = FakeGates()
        self.builder = FakeBuilder()
        self.registry = FakeRegistry()
        self.infrastructure = FakeInfrastructure(self.clock)
        self.compute = FakeCompute(self.clock)
        self.traffic = FakeTraffic(self.compute)
        self.metrics = FakeMetrics()
        self.preflight = FakePreflight()
        self.migrations = FakeMigrations()
        self.probe = FakeProbe(self.compute, self.traffic)
        self.ledger = FakeLedger()
        self.lease = FakeLease(self.clock)
        self.pages = FakeJournalStore()
        self.journal = Journal(self.pages, self.lease, self.clock)
        self.abort = FakeAbort()

    def kill(self) -> None:
        """Let the run that uses this world be gone: none of its calls reaches anything."""
        for part in vars(self).values():
            if isinstance(part, Fake):
                part.dead = True

    def restart(self) -> None:
        """Let another process come, once the dead one's lease has expired."""
        for part in vars(self).values():
            if isinstance(part, Fake):
                part.dead = False
        self.lease.expire()
        self.clock.stop.clear()
        self.journal = Journal(self.pages, self.lease, self.clock)

    def world(self, logs: Path) -> World:
        """All ports as a World whose logs go to `logs`; what changes something is written down, as in a real one."""
        return World(
            environment=self.environment,
            root=logs,
            logs=logs,
            platform=self.platform,
            gates=self.gates,
            builder=self.builder,
            registry=self.registry,
            infrastructure=JournalledInfrastructure(self.infrastructure, self.journal),
            compute=JournalledCompute(self.compute, self.journal),
            traffic=JournalledTraffic(self.traffic, self.journal),
            metrics=self.metrics,
            preflight=self.preflight,
            migrations=self.migrations,
            probe=self.probe,
            ledger=JournalledLedger(self.ledger, self.journal),
            lease=self.lease,
            journal=self.journal,
            abort=self.abort,
            clock=self.clock,
            say=self.said.append,
        )
