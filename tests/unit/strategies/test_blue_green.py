"""Blue/green: nobody meets what is not proven, traffic moves in steps, and any doubt gives it back first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deployer import pipelines
from deployer.errors import DeployError, GateFailed, Interrupted, ReleaseFailed, RolledBack, StateUncertain, Unreachable
from deployer.model import (
    SERVICES,
    Color,
    Figures,
    Image,
    Record,
    Release,
    Revision,
    Status,
    Step,
    StoppedTask,
    Verdict,
)
from deployer.pipeline import Report, Stop, execute
from deployer.ports import World
from deployer.strategies import blue_green
from tests import examples
from tests.fakes import Fakes, Heard, digest

BLUE, GREEN = Color.BLUE, Color.GREEN
STEPS = (Step(10, 60), Step(50, 60), Step(100, 120))
ENVIRONMENT = replace(examples.ENVIRONMENT, strategy="blue_green", steps=STEPS)
OLD = examples.release()
NEW = replace(
    examples.release(examples.NOW + timedelta(hours=1), "f" * 40),
    images={name: Image(name, f"indivillage/{name}", f"sha256:{digest('new', name)}") for name in SERVICES},
    color=GREEN,
)


@pytest.fixture
def fakes() -> Fakes:
    """OLD serves in blue and is known good."""
    fakes = Fakes(environment=ENVIRONMENT)
    arns = fakes.compute.serve(OLD, BLUE, count=2)
    fakes.ledger.records[OLD.id] = Record.of(replace(OLD, task_definitions=arns), Verdict.GOOD)
    return fakes


@pytest.fixture
def world(fakes: Fakes, tmp_path: Path) -> World:
    """The ports of that environment."""
    return fakes.world(tmp_path)


def green(fakes: Fakes) -> list[object]:
    """The weights that green was given, in order."""
    return [weights[0][GREEN] for weights in fakes.traffic.called("set_weights")]  # type: ignore[index]


def running(fakes: Fakes, color: Color) -> list[int]:
    """How many tasks of each service a color runs."""
    return [fakes.compute.live(service, color).running for service in SERVICES]


def test_the_idle_color_comes_up_is_proven_and_takes_over_in_steps(fakes: Fakes, world: World) -> None:
    """At the capacity that serves; tested through the test listener before the first visitor; blue stays up."""
    outcome = blue_green.run(NEW, world)

    assert ([2, 2], [2, 2]) == (running(fakes, BLUE), running(fakes, GREEN))
    assert [10, 50, 100] == green(fakes)
    assert [(NEW.id, "idle")] == fakes.probe.called("smoke")
    assert {name: fakes.compute.live(name, GREEN).task_definition for name in SERVICES} == outcome.learned[
        "task_definitions"
    ]
    assert "green has all traffic" == outcome.note


def test_every_step_is_held_for_its_bake_time(fakes: Fakes, world: World) -> None:
    """And looked at once a second; a rehearsal scales the time, nothing else."""
    blue_green.run(NEW, world)
    whole_s = fakes.clock.monotonic()
    looks = len(fakes.traffic.called("weights"))

    assert 240 <= whole_s <= 250
    assert looks >= 240

    again = Fakes(environment=replace(ENVIRONMENT, bake_factor=0.1))
    again.compute.serve(OLD, BLUE)
    blue_green.run(NEW, again.world(world.logs))
    assert [10, 50, 100] == green(again)
    assert 24 <= again.clock.monotonic() <= 30


def test_the_first_release_has_nothing_to_compare_with(world: World) -> None:
    """It goes where traffic points, at once, and people are told."""
    fakes = Fakes(environment=ENVIRONMENT)
    alone = fakes.world(world.logs)
    color = blue_green.place(alone)
    blue_green.run(replace(NEW, color=color), alone)

    assert (BLUE, {BLUE: 100, GREEN: 0}, [1, 1]) == (color, fakes.traffic.split, running(fakes, BLUE))
    assert any("first release" in line for line in fakes.said)


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (lambda f: f.compute.crashing.add(NEW.images["backend"].digest), "circuit breaker"),
        (lambda f: f.traffic.states.update({("frontend", GREEN): "unhealthy"}), "is unhealthy"),
        (lambda f: f.probe.fail("smoke", GateFailed("smoke", "GET / was 404"), NEW.id, "idle"), "404"),
        (lambda f: f.probe.fail("version", ReleaseFailed("GET", "502"), "idle"), "502"),
        (lambda f: f.traffic.fail("point_test", StateUncertain("point", "reads back blue")), "reads back blue"),
    ],
)
def test_what_cannot_be_proven_gets_no_visitor(
    fakes: Fakes, world: World, spoil: Callable[[Fakes], None], seen: str
) -> None:
    """Green is taken down again; blue never lost a percent."""
    spoil(fakes)
    with pytest.raises(DeployError, match=seen):
        blue_green.run(NEW, world)

    assert ([], {BLUE: 100, GREEN: 0}) == (green(fakes), fakes.traffic.split)
    assert ([2, 2], [0, 0]) == (running(fakes, BLUE), running(fakes, GREEN))


class Turning:
    """Lets something go wrong once green has `share` percent."""

    def __init__(self, fakes: Fakes, share: int, turn: Callable[[], None]) -> None:
        self._set = fakes.traffic.set_weights
        self._share, self._turn = share, turn

    def __call__(self, weights: dict[Color, int]) -> None:
        self._set(weights)
        if weights[GREEN] == self._share:
            self._turn()


@pytest.mark.parametrize("share", [10, 50, 100])
@pytest.mark.parametrize(
    ("turn", "error"),
    [
        (lambda f: f.traffic.states.update({("backend", GREEN): "unhealthy"}), RolledBack),
        (lambda f: f.traffic.split.update({BLUE: 70, GREEN: 30}), RolledBack),
        (lambda f: f.traffic.fail("weights", Unreachable("read", "no answer")), RolledBack),
        (lambda f: setattr(f.clock, "stop_at", f.clock.monotonic() + 5), Interrupted),
    ],
)
def test_any_doubt_while_green_has_visitors_gives_them_back_first(
    fakes: Fakes,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    share: int,
    turn: Callable[[Fakes], None],
    error: type[DeployError],
) -> None:
    """The next call that changes anything is the weights'; only then green is scaled down."""
    monkeypatch.setattr(fakes.traffic, "set_weights", Turning(fakes, share, lambda: turn(fakes)))
    order: list[object] = []
    scale, weigh = fakes.compute.scale, fakes.traffic.set_weights
    monkeypatch.setattr(fakes.compute, "scale", lambda *a: (order.append(("scale", a[0])), scale(*a))[1])
    monkeypatch.setattr(fakes.traffic, "set_weights", lambda w: (order.append(w[GREEN]), weigh(w))[1])
    with pytest.raises(error):
        blue_green.run(NEW, world)

    assert [0, ("scale", "frontend"), ("scale", "backend")] == order[-3:]
    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split
    assert ([2, 2], [0, 0]) == (running(fakes, BLUE), running(fakes, GREEN))


def test_traffic_that_cannot_be_given_back_is_uncertain(fakes: Fakes, world: World) -> None:
    """Exit 21: a person has to look, and both failures are told."""
    fakes.traffic.fail("set_weights", Unreachable("set", "throttled"), {GREEN: 50, BLUE: 50})
    fakes.traffic.fail("set_weights", Unreachable("set", "no answer"), {BLUE: 100, GREEN: 0})
    with pytest.raises(StateUncertain, match=r"no answer.*throttled"):
        blue_green.run(NEW, world)


def test_whoever_lost_the_lease_changes_nothing_more(
    fakes: Fakes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even back: the environment is somebody else's."""
    monkeypatch.setattr(fakes.traffic, "set_weights", Turning(fakes, 10, lambda: fakes.lease.lose("them")))
    fakes.lease.acquire("us", NEW.id)
    with pytest.raises(StateUncertain, match="lease was lost"):
        blue_green.run(NEW, world)

    assert {BLUE: 90, GREEN: 10} == fakes.traffic.split


def test_undo_is_a_change_of_weights_and_leaves_green_idle(fakes: Fakes, world: World) -> None:
    """Blue still runs at full capacity: nothing has to be started to go back."""
    outcome = blue_green.run(NEW, world)
    fakes.compute.calls.clear()
    blue_green.undo(NEW, outcome, world)

    assert ({BLUE: 100, GREEN: 0}, [2, 2], [0, 0]) == (
        fakes.traffic.split,
        running(fakes, BLUE),
        running(fakes, GREEN),
    )
    assert [] == fakes.compute.called("roll_out")


@pytest.mark.parametrize("service", SERVICES)
def test_no_visitor_is_given_to_a_color_that_runs_nothing(
    fakes: Fakes, world: World, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    """Whatever scaled the old color down: it is brought up first."""
    outcome = blue_green.run(NEW, world)
    fakes.compute.scale(service, BLUE, 0)
    order: list[object] = []
    monkeypatch.setattr(fakes.traffic, "set_weights", lambda _: order.append(running(fakes, BLUE)))
    blue_green.undo(NEW, outcome, world)

    assert [[2, 2]] == order
    arn = fakes.compute.told[service, BLUE].task_definition
    assert (service, BLUE, arn, 2) == fakes.compute.called("roll_out")[-1]


def test_a_color_that_does_not_come_up_again_gets_no_visitor(fakes: Fakes, world: World) -> None:
    """Exit 21: the traffic stays where something runs."""
    outcome = blue_green.run(NEW, world)
    fakes.compute.scale("backend", BLUE, 0)
    fakes.compute.crashing.add(fakes.compute.told["backend", BLUE].digest)
    with pytest.raises(StateUncertain, match="circuit breaker"):
        blue_green.undo(NEW, outcome, world)

    assert ({BLUE: 0, GREEN: 100}, [2, 2]) == (fakes.traffic.split, running(fakes, GREEN))


@pytest.mark.parametrize("error", [None, Unreachable("read ECS", "throttled")])
def test_visitors_do_not_wait_for_an_ecs_that_does_not_answer(
    fakes: Fakes, world: World, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    """The old color ran when last seen: its weights are not kept from it for long."""
    outcome = blue_green.run(NEW, world)
    answer, live, given = threading.Event(), fakes.compute.live, fakes.traffic.set_weights

    def silent(service: str, color: Color) -> Revision:
        if error and not answer.is_set():
            raise error
        assert answer.wait(10), "the weights wait for ECS"
        return live(service, color)

    monkeypatch.setattr(blue_green, "KNOWN_WITHIN_S", 0.05)
    monkeypatch.setattr(fakes.compute, "live", silent)
    monkeypatch.setattr(fakes.traffic, "set_weights", lambda weights: (given(weights), answer.set()))
    blue_green.undo(NEW, outcome, world)

    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split


def test_the_weights_are_not_read_before_they_are_given_back(fakes: Fakes, world: World) -> None:
    """ELBv2 throttles its Describe calls alone: visitors come back all the same, and at once."""
    turn = Turning(fakes, 50, lambda: fakes.traffic.fail("weights", Unreachable("read", "throttled"), times=99))
    fakes.traffic.set_weights = turn  # type: ignore[method-assign, assignment]
    with pytest.raises(RolledBack, match="throttled"):
        blue_green.run(NEW, world)

    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split


def test_a_retired_color_is_idle_and_what_the_test_listener_shows(fakes: Fakes, world: World) -> None:
    """Once all is proven."""
    blue_green.run(NEW, world)

    assert "blue is idle" == blue_green.retire(NEW, world)
    assert ([0, 0], [2, 2], BLUE) == (running(fakes, BLUE), running(fakes, GREEN), fakes.traffic.tested)


def test_what_is_warm_already_is_not_started_again(fakes: Fakes, world: World) -> None:
    """A release whose tasks run as they should only gets the traffic."""
    arns = fakes.compute.serve(NEW, GREEN, count=2)
    blue_green.run(replace(NEW, task_definitions=arns), world)

    assert ([], [10, 50, 100]) == (fakes.compute.called("roll_out"), green(fakes))


@pytest.mark.parametrize(("serving", "expected"), [(BLUE, GREEN), (GREEN, BLUE)])
def test_a_release_goes_where_nobody_is(fakes: Fakes, world: World, serving: Color, expected: Color) -> None:
    """The other color than the one that serves."""
    fakes.compute.serve(OLD, serving)
    fakes.traffic.split = {serving: 100, serving.other: 0}

    assert expected is blue_green.place(world)
    assert [] == fakes.traffic.called("set_weights")


@pytest.mark.parametrize("share", [10, 50, 90, 100])
def test_a_run_that_was_cut_off_is_settled_for_the_good_color(fakes: Fakes, world: World, share: int) -> None:
    """Whatever green was given: it never was proven, and blue is known good and still runs."""
    fakes.compute.serve(NEW, GREEN, count=2)
    fakes.ledger.records[NEW.id] = Record.of(NEW)
    fakes.traffic.split = {BLUE: 100 - share, GREEN: share}

    assert GREEN is blue_green.place(world)
    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split
    assert any("cut off" in line for line in fakes.said)


def test_an_unproven_release_that_is_alone_stays(fakes: Fakes, world: World) -> None:
    """There is nothing better to give the visitors to."""
    fakes.compute.serve(NEW, GREEN, count=2)
    for service in SERVICES:
        fakes.compute.scale(service, BLUE, 0)
    fakes.traffic.split = {BLUE: 0, GREEN: 100}

    assert BLUE is blue_green.place(world)
    assert {BLUE: 0, GREEN: 100} == fakes.traffic.split


def test_a_split_between_two_unknown_releases_is_a_person_s_to_settle(fakes: Fakes, world: World) -> None:
    """Exit 21."""
    fakes.compute.serve(NEW, GREEN, count=2)
    fakes.ledger.records.clear()
    fakes.traffic.split = {BLUE: 50, GREEN: 50}
    with pytest.raises(StateUncertain, match="traffic is split"):
        blue_green.place(world)


def test_a_whole_deploy_and_the_next_one(fakes: Fakes, world: World) -> None:
    """Through the pipeline: to green, then back to blue; one color idle after each."""
    for number, (expected, idle) in enumerate([(GREEN, BLUE), (BLUE, GREEN)]):
        asked = replace(NEW, id=f"dev-2026030{number + 5}T000000Z-fffffff", color=BLUE)
        report = execute(pipelines.DEPLOY_ANEW, asked, world, Heard(), Stop())
        fakes.ledger.records[asked.id] = Record.of(report.release, Verdict.GOOD)

        assert (Verdict.GOOD, None) == (report.verdict, report.error)
        assert {expected: 100, idle: 0} == fakes.traffic.split
        assert ([2, 2], [0, 0]) == (running(fakes, expected), running(fakes, idle))


@pytest.mark.parametrize("error", [None, KeyError("a bug")])
def test_a_stop_while_the_old_color_goes_is_no_way_back(
    fakes: Fakes, world: World, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    """Its frontend is gone by then: all traffic stays with what is proven, and the rest goes, if no bug stops it."""
    stop, scale, heard = Stop(), fakes.compute.scale, threading.Event()

    class Listening(Heard):
        def said(self, stage: str, line: str) -> None:
            if "not put back" in line:
                heard.set()

    def spoilt(service: str, color: Color, count: int) -> None:
        scale(service, color, count)
        stop.asked = True
        assert heard.wait(10), "nobody said that the stop comes too late"
        if error:
            raise error

    monkeypatch.setattr(fakes.compute, "scale", spoilt)
    said: list[Report] = []

    def finish(report: Report) -> Report:
        said.append(report)
        return report

    with pytest.raises(KeyError) if error else nullcontext():
        execute(pipelines.DEPLOY_ANEW, replace(NEW, color=BLUE), world, Listening(), stop, finish)

    assert [(Verdict.GOOD, None)] == [(report.verdict, report.error) for report in said]
    assert ({BLUE: 0, GREEN: 100}, [2, 2]) == (fakes.traffic.split, running(fakes, GREEN))
    assert ([2, 0] if error else [0, 0]) == running(fakes, BLUE)


def test_a_failed_last_proof_gives_the_traffic_back(fakes: Fakes, world: World) -> None:
    """The old color is retired only after it."""
    fakes.probe.fail("smoke", GateFailed("smoke", "GET / was 404"), NEW.id)
    fakes.probe.calls.clear()

    def only_public(release_id: str, *rest: object, **how: object) -> str:
        if how.get("idle"):
            return "fine"
        raise GateFailed("smoke", "GET / was 404")

    fakes.probe.smoke = only_public  # type: ignore[assignment,method-assign]
    report = execute(pipelines.DEPLOY_ANEW, replace(NEW, color=BLUE), world, Heard(), Stop())

    assert Verdict.ROLLED_BACK is report.verdict
    assert ({BLUE: 100, GREEN: 0}, [2, 2], [0, 0]) == (
        fakes.traffic.split,
        running(fakes, BLUE),
        running(fakes, GREEN),
    )
    assert "retire" not in {result.name for result in report.results if result.status is not Status.SKIPPED}


def back(fakes: Fakes, count: int = 2) -> Release:
    """NEW serves in green, a rollback to OLD is asked for, and blue still runs `count` tasks of it."""
    fakes.compute.serve(NEW, GREEN, count=2)
    for service in SERVICES:
        fakes.compute.scale(service, BLUE, count)
    fakes.traffic.split = {BLUE: 0, GREEN: 100}
    fakes.compute.calls.clear()
    images = {s: Image(s, f"indivillage/{s}", fakes.compute.told[s, BLUE].digest) for s in SERVICES}
    return replace(OLD, id="dev-20260306T000000Z-0123456", kind="rollback", restores=OLD.id, images=images, color=BLUE)


def test_a_rollback_to_what_is_warm_is_one_change_of_weights(fakes: Fakes, world: World) -> None:
    """Nothing is described, started, proven or waited for before the visitors are back; the smoke test follows."""
    outcome = blue_green.run(back(fakes), world)

    assert [{BLUE: 100, GREEN: 0}] == [weights[0] for weights in fakes.traffic.called("set_weights")]
    assert ([], [], []) == tuple(fakes.compute.called(call) for call in ("register", "roll_out", "scale"))
    assert ([], 0.0) == (fakes.probe.called("smoke"), fakes.clock.monotonic())
    assert set(SERVICES) == set(outcome.learned["task_definitions"])  # type: ignore[call-overload]


@pytest.mark.parametrize("spoil", ["capacity", "release", "image", "running"])
def test_what_is_not_warm_goes_through_the_same_steps(fakes: Fakes, world: World, spoil: str) -> None:
    """Too few tasks, another release, another image, or tasks that do not run."""
    asked = back(fakes, count=1 if spoil == "capacity" else 2)
    blue = fakes.compute.told["backend", BLUE]
    changes: dict[str, dict[str, object]] = {
        "release": {"release": "dev-0", "task_definition": "arn:other"},
        "image": {"digest": "sha256:other", "task_definition": "arn:other"},
        "running": {"running": 1},
    }
    fakes.compute.told["backend", BLUE] = replace(blue, **changes.get(spoil, {}))  # type: ignore[arg-type]
    blue_green.run(asked, world)

    assert [90, 50, 0] == green(fakes)
    assert [(OLD.id, "idle")] == fakes.probe.called("smoke")


def test_a_fast_rollback_leaves_out_the_steps_between(fakes: Fakes, world: World) -> None:
    """It is proven through the test listener first, and held for the last step's bake time."""
    blue_green.run(replace(back(fakes, count=0), fast=True), world)

    assert [0] == green(fakes)
    assert fakes.probe.called("smoke")
    assert fakes.clock.monotonic() >= STEPS[-1].bake_s


@pytest.mark.parametrize("seen", [Figures(), Figures(500, 0, 5.0, 1.0, own=400), Figures(500, 400, 5.0, 1.0)])
def test_a_cold_rollback_from_what_is_broken_goes_through(fakes: Fakes, world: World, seen: Figures) -> None:
    """Green runs nothing, hangs up, or fails, and its alarms fire once the rollback is under way: blue gets it all."""
    asked = back(fakes, count=0)
    fakes.metrics.seen = {GREEN: seen, BLUE: Figures(500, 0, 40.0, 1.0, own=seen.own)}
    spoil = Turning(fakes, 90, lambda: fakes.metrics.states.update({"indivillage-dev-frontend-green-hosts": "ALARM"}))
    fakes.traffic.set_weights = spoil  # type: ignore[method-assign, assignment]
    blue_green.run(asked, world)

    assert ([90, 50, 0], {"pass"}) == (green(fakes), {str(each["verdict"]) for each in world.decisions})


def test_why_its_tasks_stopped_is_told_with_the_failure(fakes: Fakes, world: World) -> None:
    """Visitors first, then the reading, then the tasks go: a task that dies under load explains the doubt."""
    order: list[str] = []
    task = StoppedTask("arn:task/7", "arn", "backend", "Essential container exited", 137, ("out of memory",))

    def stopped(service: str, arn: str) -> tuple[StoppedTask, ...]:
        order.append(f"read {fakes.traffic.split[GREEN]} {fakes.compute.live(service, GREEN).desired}")
        return (task,) if service == "backend" else (replace(task, container="frontend", exit_code=0),)

    fakes.compute.stopped = stopped  # type: ignore[method-assign]
    spoil = Turning(fakes, 50, lambda: fakes.traffic.states.update({("backend", GREEN): "unhealthy"}))
    fakes.traffic.set_weights = spoil  # type: ignore[method-assign, assignment]
    with pytest.raises(RolledBack) as caught:
        blue_green.run(NEW, world)

    assert ("backend task 7: Essential container exited (exit code 137)", "  | out of memory") == caught.value.details[
        -2:
    ]
    assert ["read 0 2", "read 0 2"] == order
    assert [0, 0] == running(fakes, GREEN)
