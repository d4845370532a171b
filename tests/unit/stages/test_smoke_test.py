"""smoke_test: success means this release, complete, healthy and proven from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from deployer.errors import GateFailed, Unreachable
from deployer.model import SERVICES, Color, Image, Release, Scaling, StoppedTask, Target
from deployer.ports import World
from deployer.stages import smoke_test
from tests import examples
from tests.fakes import Fakes

IMAGES = {name: Image(name, f"indivillage/{name}", f"sha256:{name}") for name in SERVICES}
BLUE = Color.BLUE
FEW = "frontend has 1 healthy targets for 2 tasks"
ARN = "arn:aws:ecs:ap-south-1:000000000000:task-definition/indivillage-dev"


@pytest.fixture
def live(fakes: Fakes) -> Release:
    """A release that runs as it should."""
    release = replace(examples.release(), images=IMAGES)
    return replace(release, task_definitions=fakes.compute.serve(release))


def change(fakes: Fakes, **fields: object) -> None:
    """Let ECS say something else about the backend."""
    fakes.compute.told["backend", BLUE] = replace(fakes.compute.live("backend", BLUE), **fields)  # type: ignore[arg-type]


def test_no_doubt(world: World, live: Release) -> None:
    """Nothing to say about a release that is live."""
    assert () == smoke_test.doubts(live, world)


@pytest.mark.parametrize(
    ("break_it", "doubt"),
    [
        (lambda f: change(f, task_definition="arn:other"), f"backend runs arn:other, not {ARN}-backend:1"),
        (lambda f: change(f, release="dev-old"), f"backend says it is release dev-old, not {examples.release().id}"),
        (lambda f: change(f, release=""), f"backend says it is release none, not {examples.release().id}"),
        (lambda f: change(f, rollout="IN_PROGRESS"), "backend is IN_PROGRESS, 1 of 1 tasks run"),
        (lambda f: change(f, rollout=""), "backend is without a rollout, 1 of 1 tasks run"),
        (lambda f: change(f, desired=2), "backend is COMPLETED, 1 of 2 tasks run"),
        (lambda f: change(f, desired=0), "backend is COMPLETED, 1 of 0 tasks run"),
        (
            lambda f: f.traffic.states.update({("frontend", BLUE): "draining"}),
            "frontend has 0 healthy targets for 1 tasks",
        ),
    ],
)
def test_each_doubt_alone(
    fakes: Fakes, world: World, live: Release, break_it: Callable[[Fakes], None], doubt: str
) -> None:
    """One condition broken is one line, naming what is and what should be."""
    break_it(fakes)

    assert (doubt,) == smoke_test.doubts(live, world)


@pytest.mark.parametrize(
    ("states", "doubted"),
    [
        (("healthy", "draining"), ()),
        (("draining", "healthy"), ()),
        (("healthy", "unhealthy"), ("frontend target 10.0.0.2 is unhealthy",)),
        (("initial", "healthy"), ("frontend target 10.0.0.1 is initial",)),
    ],
)
def test_only_what_drains_may_be_there_beside_the_healthy(
    fakes: Fakes, world: World, live: Release, monkeypatch: pytest.MonkeyPatch, states: tuple[str, ...], doubted: object
) -> None:
    """Right after a roll-out the old revision's targets still drain; they get no new request."""
    targets = fakes.traffic.targets

    def mixed(service: str, color: Color) -> tuple[Target, ...]:
        several = tuple(Target(f"10.0.0.{n}", state) for n, state in enumerate(states, 1))
        return several if service == "frontend" else targets(service, color)

    monkeypatch.setattr(fakes.traffic, "targets", mixed)

    assert doubted == smoke_test.doubts(live, world)


@pytest.mark.parametrize(
    ("states", "told", "doubted"),
    [
        (("healthy", "healthy"), (3, 2), ()),  # a third is asked for, and not there yet
        (("healthy", "healthy", "initial"), (3, 3), ()),
        (("healthy", "healthy", "unhealthy"), (3, 3), ("frontend target 10.0.0.3 is unhealthy",)),
        (
            ("healthy",),  # autoscaling wants a third while one of those that were brought up is gone
            (3, 1),
            ("frontend is COMPLETED, 1 of 3 tasks run",),
        ),
        (("healthy",), (2, 1), ("frontend is COMPLETED, 1 of 2 tasks run",)),
        (("healthy", "initial"), (2, 2), ("frontend target 10.0.0.2 is initial", FEW)),
    ],
)
def test_what_autoscaling_adds_may_be_under_way(
    fakes: Fakes,
    world: World,
    live: Release,
    monkeypatch: pytest.MonkeyPatch,
    states: tuple[str, ...],
    told: tuple[int, int],
    doubted: tuple[str, ...],
) -> None:
    """Two tasks were brought up: they have to be there, healthy, whatever comes on top."""
    wanted, runs = told
    frontend = replace(fakes.compute.live("frontend", BLUE), desired=wanted, running=runs)
    fakes.compute.told["frontend", BLUE] = frontend
    targets = fakes.traffic.targets

    def several(service: str, color: Color) -> tuple[Target, ...]:
        found = tuple(Target(f"10.0.0.{n}", state) for n, state in enumerate(states, 1))
        return found if service == "frontend" else targets(service, color)

    monkeypatch.setattr(fakes.traffic, "targets", several)

    assert doubted == smoke_test.doubts(replace(live, counts={"frontend": 2, "backend": 1}), world)


@pytest.mark.parametrize(
    ("wanted", "runs", "states", "doubted"),
    [
        (2, 2, "hh", ()),
        (4, 2, "hh", ()),  # autoscaling wants two more, which are not there yet
        (4, 4, "hhii", ()),
        (4, 4, "hhhu", ("frontend target 10.0.0.4 is unhealthy",)),
        (2, 4, "hhhh", ()),  # two are on their way out
        (2, 4, "hhdd", ()),
        (2, 3, "hd", ("frontend is COMPLETED, 3 of 2 tasks run", "frontend has 1 healthy targets for 3 tasks")),
        (4, 1, "h", ("frontend is COMPLETED, 1 of 4 tasks run", FEW)),
        (1, 1, "h", (FEW,)),  # less than the environment promises
        (0, 0, "", ("frontend is COMPLETED, 0 of 0 tasks run", "frontend has 0 healthy targets for 2 tasks")),
    ],
)
def test_where_autoscaling_owns_the_count_its_fewest_have_to_be_there(
    fakes: Fakes,
    world: World,
    live: Release,
    monkeypatch: pytest.MonkeyPatch,
    wanted: int,
    runs: int,
    states: str,
    doubted: tuple[str, ...],
) -> None:
    """Whoever only looks does not know how many were brought up: between two and four may run."""
    fakes.infrastructure.topology_or_none = examples.SCALED
    services = {name: replace(service, count=2) for name, service in examples.ENVIRONMENT.services.items()}
    scaled = replace(world, environment=replace(examples.ENVIRONMENT, scaling=Scaling(2, 4), services=services))
    for name, tasks in (("frontend", (wanted, runs)), ("backend", (2, 2))):
        seen = fakes.compute.live(name, BLUE)
        fakes.compute.told[name, BLUE] = replace(seen, desired=tasks[0], running=tasks[1])
    targets = fakes.traffic.targets
    words = {"h": "healthy", "i": "initial", "u": "unhealthy", "d": "draining"}

    def several(service: str, color: Color) -> tuple[Target, ...]:
        found = tuple(Target(f"10.0.0.{n}", words[state]) for n, state in enumerate(states, 1))
        return found if service == "frontend" else targets(service, color)

    monkeypatch.setattr(fakes.traffic, "targets", several)

    assert doubted == smoke_test.doubts(live, scaled)


def test_what_a_release_brought_up_has_to_be_there_however_few_autoscaling_may_leave(
    fakes: Fakes, world: World, live: Release
) -> None:
    """Two of four died: for whoever looks four may be under way, for the release that brought four up two are gone."""
    fakes.infrastructure.topology_or_none = examples.SCALED
    change(fakes, desired=4, running=2)

    assert () == smoke_test.doubts(live, world)
    brought_up = replace(live, counts={"frontend": 1, "backend": 4})
    assert ("backend is COMPLETED, 2 of 4 tasks run",) == smoke_test.doubts(brought_up, world)


def test_no_target_is_a_doubt(fakes: Fakes, world: World, live: Release) -> None:
    """An idle color is complete in its own way, and serves nobody."""
    change(fakes, running=0, desired=0)

    nothing = ("backend is COMPLETED, 0 of 0 tasks run", "backend has 0 healthy targets for 0 tasks")
    assert nothing == smoke_test.doubts(live, world)


def test_a_rollback_says_the_release_it_restores(world: World, live: Release) -> None:
    """Its containers carry the old release's name: that is what is expected of them."""
    back = replace(live, id="dev-20260305T000000Z-0123456", kind="rollback", restores=live.id)

    assert () == smoke_test.doubts(back, world)
    assert 2 == len(smoke_test.doubts(replace(back, restores=""), world))


def test_without_task_definitions_the_release_name_decides(world: World, live: Release) -> None:
    """QA runs the smoke test alone, against whatever says it is this release."""
    assert () == smoke_test.doubts(replace(live, task_definitions={}), world)


def test_a_doubt_fails_before_the_probe(fakes: Fakes, world: World, live: Release) -> None:
    """Every doubt is told; images are not called stable."""
    change(fakes, rollout="FAILED", release="dev-old")

    with pytest.raises(GateFailed) as caught:
        smoke_test.run(live, world)

    assert 2 == len(caught.value.details)
    assert caught.value.details[0] == caught.value.seen
    assert ([], []) == (fakes.probe.calls, fakes.registry.calls)


def test_a_proven_release_is_stable(fakes: Fakes, world: World, live: Release) -> None:
    """Both images, after the probe said yes."""
    outcome = smoke_test.run(live, world)

    assert [(live.id,)] == fakes.probe.called("smoke")
    assert [("backend", ("stable",)), ("frontend", ("stable",))] == fakes.registry.called("tag")
    assert "12 checks passed" == outcome.note


def test_what_the_probe_refuses_is_not_stable(fakes: Fakes, world: World, live: Release) -> None:
    """A visitor sees something else than ECS says."""
    fakes.probe.fail("smoke", GateFailed("smoke test", "GET / was 404"))

    with pytest.raises(GateFailed, match="404"):
        smoke_test.run(live, world)

    assert [] == fakes.registry.calls


def test_visitors_who_meet_another_release_end_it(
    fakes: Fakes, world: World, live: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ECS and the load balancer may say yes, and visitors still get the old one."""
    monkeypatch.setattr(fakes.probe, "version", lambda: {"release": "dev-old"})

    with pytest.raises(GateFailed, match=f"visitors meet release dev-old, not {live.id}"):
        smoke_test.run(live, world)

    assert [] == fakes.probe.called("smoke")


def test_tasks_that_died_meanwhile_explain_the_failure(fakes: Fakes, world: World, live: Release) -> None:
    """Reason, exit code and last words; a task that was scaled away is no explanation."""
    arn = live.task_definitions["backend"]
    fakes.compute.stopped_tasks[arn] = (
        StoppedTask("arn:x/dead", arn, "backend", "Essential container exited", 3, ("out of memory",)),
        StoppedTask("arn:x/scaled", arn, "backend", "Scaling activity", 0, ("bye",)),
    )
    fakes.probe.fail("smoke", GateFailed("smoke test", "GET / was 502", details=("test_home: 502",)))

    with pytest.raises(GateFailed) as caught:
        smoke_test.run(live, world)

    assert (
        "test_home: 502",
        "backend task dead: Essential container exited (exit code 3)",
        "  | out of memory",
    ) == caught.value.details


def test_an_explanation_that_cannot_be_read_hides_nothing(fakes: Fakes, world: World, live: Release) -> None:
    """The failure itself is what counts."""
    fakes.probe.fail("smoke", GateFailed("smoke test", "GET / was 502"))
    fakes.compute.fail("stopped", Unreachable("read", "ECS is away"))

    with pytest.raises(GateFailed, match="502") as caught:
        smoke_test.run(live, world)

    assert ("why its tasks stopped could not be read: ECS is away",) == caught.value.details
