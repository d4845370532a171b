"""A command that dies or whose calls fail: visitors are served throughout, and the next command leaves nothing open.

Real adapters against the local cloud, real containers, the commands in processes of their own. A sample runs always;
CUT_OFF=all, as in `nox -s chaos`, runs every step at every point, and the first call at every place with every failure.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from deployer.aws.ecr import Ecr
from deployer.aws.ecs import Ecs
from deployer.aws.elbv2 import Elbv2
from deployer.aws.journal import S3Journal
from deployer.aws.ledger import S3Ledger
from deployer.aws.session import Session
from deployer.aws.state_bucket import StateBucket
from deployer.aws.task_definition import labels
from deployer.aws.tasks import Tasks
from deployer.errors import ReleaseFailed
from deployer.journal import Point
from deployer.model import SERVICES, BuiltImage, Color, Record, Verdict
from deployer.tools.clock import SystemClock
from tests.contract.aws.call_faults import KINDS, Fault, Place
from tests.contract.aws.one_command import Command, Visitor, environment
from tests.contract.aws.stand_in import StandIn
from tests.unit.aws import values

if TYPE_CHECKING:
    from docker.models.images import Image as EngineImage

    from docker import DockerClient

ALL = os.environ.get("CUT_OFF") == "all"
PARTS = range(2 if ALL else 1)
"""All of them in two processes (`--dist=loadgroup`), each with a cloud of its own: they mostly wait."""

ROOT = Path(__file__).resolve().parents[3]
PASSED = ROOT / ".cache" / "chaos" / "cut-off.txt"
FIRST = "t-20260101T000000Z-0123456"
RECOVERY_S = 60
PUBLIC_PORT, TEST_PORT = 80, 9000
DOCUMENTED = {0, 2, 10, 20, 21, 30, 40}


@dataclass
class Stage:
    """One environment that serves, its visitors, and what commands do to it."""

    stand_in: StandIn
    address: tuple[str, int, int]
    logs: Path
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        session, topology = self.stand_in.session, self.stand_in.topology
        self._traffic = Elbv2(session, lambda: topology)
        self._compute = Ecs(session, lambda: topology, self._traffic, SystemClock())
        self._tasks = Tasks(session, SystemClock())

    def run(self, verb: str, code: int | None = 0, **changes: Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = Command(
            str(self.stand_in.session.endpoint_url),
            self.stand_in.short,
            self.address,
            str(self.logs),
            verb,
            release=FIRST,
        )
        # Hundreds of them: compiled once, and not into the checkout.
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": str(self.logs / "bytecode")}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            replace(command, **changes).line, env=environ, capture_output=True, text=True, timeout=180, check=False
        )
        self.told = done.stderr.splitlines()[-40:]
        if code is not None:
            assert code == done.returncode, "\n".join(self.told)
        return done

    def places(self, verb: str) -> list[Place]:
        """Where a command asks AWS for something."""
        told = json.loads(self.run(verb).stdout.splitlines()[-1])
        return [Place(**place) for place in told["places"]]

    def visit(self) -> str:
        """The release that answers a visitor."""
        visitor = Visitor(self.address, self.stand_in.topology.public_dns_name)
        return visitor.version()["release"]

    @contextmanager
    def visitors(self, pause_s: float = 0.1) -> Iterator[Counter[str]]:
        """Constant visitors; what each saw is "ok" or why not."""
        seen: Counter[str] = Counter()
        over = threading.Event()

        def come() -> None:
            while not over.wait(pause_s):
                try:
                    self.visit()
                    seen["ok"] += 1
                except ReleaseFailed as failed:
                    seen[failed.seen] += 1

        thread = threading.Thread(target=come)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()

    def restarted(self) -> None:
        """The next command: it must leave nothing open, in time."""
        began = time.monotonic()
        self.run("reconcile")
        assert time.monotonic() - began < RECOVERY_S
        self.settled()

    def settled(self) -> None:
        """One color serves a good release alone; nothing of a dead run is left; the books are closed."""
        session, compute = self.stand_in.session, self._compute
        weights = dict(self._traffic.weights())
        assert [0, 100] == sorted(weights.values()), weights
        live = max(weights, key=lambda color: weights[color])
        runs = {(name, color): compute.live(name, color) for name in SERVICES for color in Color}
        wanted = {key: (1, 1) if key[1] is live else (0, 0) for key in runs}
        _wait_until(
            lambda: wanted == {key: (live.desired, live.running) for key in runs for live in [compute.live(*key)]},
            lambda: {key: (live.desired, live.running) for key in runs for live in [compute.live(*key)]},
        )
        [serves] = {runs[name, live].release for name in SERVICES}
        records = S3Ledger(session).history()
        known = {record.release: record for record in records}
        assert Verdict.GOOD is known[serves].outcome
        assert [] == [record.release for record in records if record.outcome is None]
        assert serves == self.visit()
        self._no_orphans(records, {runs[name, live].task_definition for name in SERVICES})
        page = S3Journal(session).read()
        assert page is not None
        assert (False, "") == (page.open, page.damage)

    def _no_orphans(self, records: tuple[Record, ...], serving: set[str | None]) -> None:
        """No task definition of a release that is not good, unless it runs; no duplicates of one that is."""
        outcomes = {record.release: record.outcome for record in records}
        for service in SERVICES:
            there: dict[str, set[str]] = {}
            for arn in self._compute.registered(service, outcomes):
                there.setdefault(labels(self._tasks.definition(arn), service)["RELEASE"], set()).add(arn)
            for release, arns in there.items():
                if outcomes[release] is Verdict.GOOD:
                    # One for each color that it was brought up in: a rollback describes it anew.
                    assert len(arns) <= len(Color), (release, arns)
                else:
                    assert arns <= serving, (release, outcomes[release], arns)


def _wait_until(holds: Callable[[], bool], told: Callable[[], object], timeout_s: float = 40) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


def _balancer(engine: DockerClient, endpoint: str) -> str:
    """Address of the container that publishes the cloud's endpoint: its load balancers have no port on this host."""
    port = str(urlsplit(endpoint).port)
    for container in engine.containers.list(ignore_removed=True):
        settings = container.attrs["NetworkSettings"]
        if any(bound["HostPort"] == port for ports in settings["Ports"].values() for bound in ports or ()):
            return next(str(network["IPAddress"]) for network in settings["Networks"].values())
    raise AssertionError(f"no container publishes {endpoint}")


@pytest.fixture(scope="module")
def stage(
    local_endpoint: str, app: EngineImage, engine: DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """An environment whose first release serves."""
    short_name = f"t{os.getpid()}{int(time.time()) % 10000}"
    session = Session(environment(short_name), endpoint_url=local_endpoint)
    stand_in = StandIn(session)
    try:
        stand_in.apply()
        StateBucket(session).ensure()
        built = BuiltImage("frontend", app.tags[0], str(app.id), 0, cached=False)
        registry = Ecr(session, lambda: engine)
        digests = {
            name: registry.push(built, place.repository, ["app"], list[str]().append).digest
            for name, place in stand_in.topology.services.items()
        }
        record = Record.of(replace(values.release(), id=FIRST), Verdict.GOOD, ended_at=values.STARTED + timedelta(1))
        S3Ledger(session).write(replace(record, digests=digests))
        made = Stage(
            stand_in,
            (_balancer(engine, local_endpoint), PUBLIC_PORT, TEST_PORT),
            tmp_path_factory.mktemp("logs"),
        )
        made.run("deploy")
        made.settled()
        yield made
    finally:
        stand_in.destroy()


@pytest.fixture(scope="module")
def steps(stage: Stage) -> int:
    """How many steps of the journal a release has that replaces another one."""
    stage.run("deploy")
    page = S3Journal(stage.stand_in.session).read()
    assert page is not None
    return len(page.entries)


class Cases:
    """What a test goes through: drawn by `seed`, each under visitors; CUT_OFF=all goes on where it was cut off."""

    def __init__(self, request: pytest.FixtureRequest, part: int, subtests: pytest.Subtests, stage: Stage) -> None:
        command = ["git", "rev-parse", "HEAD"]
        self._commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        self._name = request.node.originalname
        self._seed = request.config.getoption("--seed")
        self._again = request.config.getoption("--again")
        self._part = part
        self._subtests = subtests
        self._stage = stage

    def draw(self, everything: Sequence[Any], size: int, most: int = 0) -> list[Any]:
        """As many as CI has time for, with CUT_OFF=all `most` (0 is all of them); the same ones for one seed."""
        wanted = (most or len(everything)) if ALL else size
        once = ALL and PASSED.exists() and not self._again
        known = set(PASSED.read_text(encoding="utf-8").splitlines()) if once else set()
        drawn = sorted(everything, key=self._lot)[:wanted]
        # Each process has a list of its own, which a place more or less must not shift.
        mine = [case for case in drawn if self._lot(case)[-1] % len(PARTS) == self._part]
        return [case for case in mine if self._line(case) not in known]

    def _lot(self, case: Any) -> bytes:
        return hashlib.sha256(f"{self._seed} {case}".encode()).digest()

    @contextmanager
    def trial(self, case: Any) -> Iterator[None]:
        """One case: its failure is told and the next one comes; all visitors were served."""
        with self._subtests.test(case=str(case), seed=self._seed):
            with self._stage.visitors() as seen:
                yield
            assert {"ok"} == set(seen), (seen, self._stage.told)
            if ALL:
                PASSED.parent.mkdir(parents=True, exist_ok=True)
                with PASSED.open("a", encoding="utf-8") as file:
                    file.write(self._line(case) + "\n")

    def _line(self, case: Any) -> str:
        return f"{self._commit} {self._name} {case}"


@pytest.fixture(params=[pytest.param(part, marks=pytest.mark.xdist_group(str(part))) for part in PARTS])
def cases(request: pytest.FixtureRequest, subtests: pytest.Subtests, stage: Stage) -> Cases:
    """The cases of this test, by the seed of `nox -s chaos -- --seed=…`."""
    return Cases(request, request.param, subtests, stage)


def test_a_command_killed_at_any_step_is_put_right_by_the_next_one(stage: Stage, steps: int, cases: Cases) -> None:
    """SIGKILL before a call, after it, and after it was written down; of a release and of a rollback."""
    cuts = [(verb, step, point) for verb in ("deploy", "rollback") for step in range(1, steps + 1) for point in Point]
    for verb, step, point in cases.draw(cuts, 3):
        with cases.trial((verb, step, point)):
            code = stage.run(verb, code=None, cut=(step, point.value)).returncode
            stage.restarted()
            # A rollback to a warm color has fewer steps: then it has simply ended.
            assert code in ({-signal.SIGKILL} if verb == "deploy" else {-signal.SIGKILL, 0, 2}), stage.told


def test_a_recovery_killed_at_any_step_is_put_right_by_the_next_one(stage: Stage, steps: int, cases: Cases) -> None:
    """Whoever comes after two dead runs ends up in the same place."""
    cuts = [(step, again, point) for step in range(2, steps + 1) for again in range(1, 7) for point in Point]
    for step, again, point in cases.draw(cuts, 2, most=40):
        with cases.trial((step, again, point)):
            stage.run("deploy", code=-signal.SIGKILL, cut=(step, Point.AFTER_CALL.value))
            stage.run("reconcile", code=None, cut=(again, point.value))
            stage.restarted()


def test_a_call_that_fails_once_makes_no_duplicate_and_no_wrong_verdict(stage: Stage, cases: Cases) -> None:
    """Throttled, lost on the way back, 409, 412: the first call at every place of a release."""
    faults = [Fault(place, kind) for place in stage.places("deploy") for kind in KINDS]
    for fault in cases.draw(faults, 3):
        with cases.trial(fault):
            before = stage.visit()
            done = stage.run("deploy", code=None, fault=fault)
            assert done.returncode in DOCUMENTED, (fault, stage.told)
            assert "Traceback" not in done.stderr, (fault, stage.told)
            if done.returncode != 21:
                assert (before != stage.visit()) == (done.returncode == 0), (fault, stage.told)
            stage.restarted()
            assert json.loads(done.stdout.splitlines()[-1])["met"], (fault, stage.told)
