"""Compute with running containers: on the local cloud alone, since moto starts none.

The cases are steps of one environment's life, each on a service and color of its own, so that they do not wait for
one another's containers to stop.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.aws.ecr import Ecr
from deployer.aws.ecs import Ecs
from deployer.aws.elbv2 import Elbv2
from deployer.aws.session import Session
from deployer.errors import ReleaseFailed
from deployer.model import BuiltImage, Color, Image, Release
from tests.unit.aws import values

if TYPE_CHECKING:
    from docker.models.images import Image as EngineImage

    from deployer.tools.clock import SystemClock
    from docker import DockerClient
    from tests.contract.aws.stand_in import StandIn


@pytest.fixture(scope="module")
def image(local_applied: StandIn, app: EngineImage, engine: DockerClient) -> Image:
    """Push the app image once; both services run it."""
    registry = Ecr(local_applied.session, lambda: engine)
    built = BuiltImage("frontend", app.tags[0], str(app.id), 0, cached=False)
    places = local_applied.topology.services
    registry.push(built, places["backend"].repository, ["app"], list[str]().append)
    return registry.push(built, places["frontend"].repository, ["app"], list[str]().append)


class Bench:
    """One environment's compute, whose services run the app in a mode of the test's choice."""

    def __init__(self, stand_in: StandIn, image: Image, clock: SystemClock) -> None:
        self.stand_in = stand_in
        self.image = image
        self.clock = clock
        self.lines: list[str] = []
        self.compute = self.in_mode("serve")

    def in_mode(self, mode: str) -> Ecs:
        """Return the same compute, whose next revisions run in `mode`."""
        given = self.stand_in.session
        services = {
            name: replace(service, environment={"MODE": mode}, count=1)
            for name, service in given.environment.services.items()
        }
        session = Session(replace(given.environment, services=services), endpoint_url=given.endpoint_url)
        topology = self.stand_in.topology
        traffic = Elbv2(session, lambda: topology)
        self.compute = Ecs(session, lambda: topology, traffic, self.clock)
        return self.compute

    def register(self, service: str, color: Color, release: str) -> str:
        """Register a revision of `service` for a release."""
        repository = self.stand_in.topology.services[service].repository
        reference = Ecr(self.stand_in.session).reference(replace(self.image, repository=repository))
        return self.compute.register(_release(color, release), service, reference)

    def roll_out(self, service: str, color: Color, release: str, count: int = 1, timeout_s: float = 60) -> str:
        """Register and roll out; return the task definition."""
        definition = self.register(service, color, release)
        self.compute.roll_out(service, color, definition, count, timeout_s, self.lines.append)
        return definition


def _release(color: Color, id_: str) -> Release:
    return values.release(color, id_)


@pytest.fixture
def bench(local_applied: StandIn, image: Image, clock: SystemClock) -> Bench:
    """Return the module's environment with an empty progress log."""
    return Bench(local_applied, image, clock)


def test_a_release_rolls_out_and_is_what_ecs_says_is_live(bench: Bench) -> None:
    """Nothing wanted, then the first revision, then the next one in its place, alone and healthy."""
    compute = bench.compute
    assert compute.live("frontend", Color.BLUE).task_definition is None
    first = bench.roll_out("frontend", Color.BLUE, "r-1")
    live = compute.live("frontend", Color.BLUE)
    assert (live.task_definition, live.release, live.commit) == (first, "r-1", values.COMMIT)
    assert (live.digest, live.desired, live.running, live.rollout) == (bench.image.digest, 1, 1, "COMPLETED")
    second = bench.roll_out("frontend", Color.BLUE, "r-2", count=2)
    assert first != second
    live = compute.live("frontend", Color.BLUE)
    assert (live.task_definition, live.desired, live.running) == (second, 2, 2)
    states = [target.state for target in bench.compute._traffic.targets("frontend", Color.BLUE)]
    assert ["healthy", "healthy"] == [state for state in states if state != "draining"]
    assert any("running and healthy" in line for line in bench.lines)


def test_the_same_revision_again_is_steady_at_once(bench: Bench) -> None:
    """A resumed run finds its revision in place: no new deployment, no wait."""
    definition = bench.roll_out("frontend", Color.GREEN, "r-again")
    started = time.monotonic()
    bench.compute.roll_out("frontend", Color.GREEN, definition, 1, 30, bench.lines.append)
    assert time.monotonic() - started < 3


def test_registering_twice_gives_one_revision(bench: Bench) -> None:
    """A run that was cut off after the call finds what it had made."""
    first = bench.register("frontend", Color.BLUE, "r-twice")
    assert first == bench.register("frontend", Color.BLUE, "r-twice")
    assert first != bench.register("frontend", Color.GREEN, "r-twice")
    assert first != bench.register("frontend", Color.BLUE, "r-thrice")


def test_a_crash_at_start_fails_fast_and_says_why(bench: Bench) -> None:
    """Exit code and last words are in the error within seconds; the old revision has served throughout."""
    good = bench.roll_out("backend", Color.BLUE, "r-good")
    bench.in_mode("crash")
    started = time.monotonic()
    with pytest.raises(ReleaseFailed) as caught:
        bench.roll_out("backend", Color.BLUE, "r-crash")
    assert time.monotonic() - started < 20
    told = "\n".join(caught.value.details)
    assert "exit code 3" in told
    assert "starting as crash" in told
    assert "cannot reach the database" in told
    states = [t.state for t in bench.compute._traffic.targets("backend", Color.BLUE)]
    assert "healthy" in states
    # Put back, as the caller does, and true again.
    bench.compute.roll_out("backend", Color.BLUE, good, 1, 60, bench.lines.append)
    assert bench.compute.live("backend", Color.BLUE).release == "r-good"


def test_stopped_tasks_are_explained_newest_first(bench: Bench) -> None:
    """Whoever asks later gets the same explanation."""
    bench.in_mode("crash")
    definition = bench.register("backend", Color.GREEN, "r-stopped")
    with pytest.raises(ReleaseFailed):
        bench.compute.roll_out("backend", Color.GREEN, definition, 1, 60, bench.lines.append)
    bench.compute.scale("backend", Color.GREEN, 0)
    stopped = bench.compute.stopped("backend", definition)
    assert stopped
    assert {definition} == {task.task_definition for task in stopped}
    assert {3} <= {task.exit_code for task in stopped}
    assert any("cannot reach the database" in line for task in stopped for line in task.log_lines)


def test_a_revision_that_never_gets_healthy_is_no_success(bench: Bench) -> None:
    """Its containers run, but the load balancer gets 503: that is what a visitor would see."""
    bench.in_mode("unhealthy")
    with pytest.raises(ReleaseFailed) as caught:
        bench.roll_out("backend", Color.GREEN, "r-unhealthy", timeout_s=60)
    told = "\n".join(caught.value.details)
    assert "health checks" in told
    assert "starting as unhealthy" in told
    bench.compute.scale("backend", Color.GREEN, 0)


def test_an_image_that_is_not_there_names_itself(bench: Bench) -> None:
    """The engine's reason reaches the user; there is no exit code and no log."""
    missing = "sha256:" + "00" * 32
    repository = bench.stand_in.topology.services["frontend"].repository
    reference = f"{Ecr(bench.stand_in.session).host}/{repository}@{missing}"
    definition = bench.compute.register(_release(Color.GREEN, "r-missing"), "frontend", reference)
    with pytest.raises(ReleaseFailed) as caught:
        bench.compute.roll_out("frontend", Color.GREEN, definition, 1, 60, bench.lines.append)
    told = "\n".join(caught.value.details)
    assert "CannotPullContainer" in told
    assert "no exit code" in told
    bench.compute.scale("frontend", Color.GREEN, 0)


def test_scaling_to_nothing_leaves_nothing_wanted(bench: Bench) -> None:
    """An idle color wants nothing and has no live task definition."""
    bench.roll_out("backend", Color.GREEN, "r-scaled")
    bench.compute.scale("backend", Color.GREEN, 0)
    live = bench.compute.live("backend", Color.GREEN)
    assert (live.task_definition, live.desired) == (None, 0)


def test_a_one_off_task_streams_its_log(bench: Bench) -> None:
    """Every line comes out, in order, and exit code 0 is success."""
    definition = bench.register("backend", Color.BLUE, "r-one-off")
    script = "for i in 1 2 3; do echo step $i; sleep 0.3; done"
    bench.compute.run_task("backend", definition, ["sh", "-c", script], 60, bench.lines.append)
    assert ["step 1", "step 2", "step 3"] == [line for line in bench.lines if line.startswith("step")]


def test_a_one_off_task_that_fails_says_how(bench: Bench) -> None:
    """The exit code is the truth, the log the explanation."""
    definition = bench.register("backend", Color.BLUE, "r-one-off")
    with pytest.raises(ReleaseFailed) as caught:
        bench.compute.run_task(
            "backend", definition, ["sh", "-c", "echo no such column; exit 7"], 60, bench.lines.append
        )
    assert "exit code 7" in caught.value.seen
    assert "no such column" in bench.lines
    assert any("no such column" in line for line in caught.value.details)


def test_a_one_off_task_that_hangs_is_stopped(bench: Bench) -> None:
    """Nobody would watch it any more."""
    definition = bench.register("backend", Color.BLUE, "r-one-off")
    with pytest.raises(ReleaseFailed) as caught:
        bench.compute.run_task(
            "backend", definition, ["perl", "-e", "$| = 1; print qq(stuck\\n); sleep 600"], 3, bench.lines.append
        )
    assert "not ended after 3 s" in caught.value.seen
    cluster = bench.stand_in.topology.cluster
    family = bench.stand_in.topology.services["backend"].family
    ecs = bench.stand_in.session.ecs
    running = ecs.list_tasks(cluster=cluster, family=family, desiredStatus="RUNNING")["taskArns"]
    described = ecs.describe_tasks(cluster=cluster, tasks=running)["tasks"] if running else []
    assert [] == [task for task in described if task.get("startedBy") == "deployer"]
