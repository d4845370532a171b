"""The runner: what is ready starts at once, what is learned is passed on, what is held is given back."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from deployer.errors import GateFailed, Interrupted, StateUncertain, Unreachable
from deployer.model import Outcome, Release, Status, Verdict
from deployer.pipeline import Report, Stage, Stop, execute
from deployer.ports import World
from tests import examples
from tests.fakes import Fakes, Heard


def run(world: World, *stages: Stage, heard: Heard | None = None, stop: Stop | None = None) -> Report:
    """Take a fresh release through `stages`."""
    return execute(stages, examples.release(), world, heard or Heard(), stop or Stop())


def test_what_is_ready_runs_at_once(world: World) -> None:
    """Three stages without needs meet at a barrier that none passes alone; the fourth comes after all of them."""
    meeting = threading.Barrier(3, timeout=10)
    log: list[str] = []

    def meet(_: Release, __: World) -> Outcome:
        meeting.wait()
        log.append("met")
        return Outcome()

    together = [Stage(name, (), meet) for name in ("a", "b", "c")]
    report = run(world, *together, examples.stage("last", "a", "b", "c", log=log))

    assert Verdict.GOOD == report.verdict
    assert ["met", "met", "met", "last", "close last"] == log


def test_a_stage_starts_while_others_still_run(world: World) -> None:
    """`quick` and what needs it end before `slow`, which waits for them, does."""
    over = threading.Event()

    def slow(_: Release, __: World) -> Outcome:
        return Outcome("waited" if over.wait(10) else "alone")

    def after(_: Release, __: World) -> Outcome:
        over.set()
        return Outcome()

    report = run(world, Stage("slow", (), slow), examples.stage("quick", log=[]), Stage("after", ("quick",), after))

    assert "waited" == report.results[0].note


def test_what_is_learned_reaches_later_stages_and_the_report(world: World) -> None:
    """A release grows only by what stages return."""
    seen: list[Release] = []

    def look(release: Release, _: World) -> Outcome:
        seen.append(release)
        return Outcome()

    report = run(world, examples.stage("plan", log=[], learned={"plan_sha256": "abc"}), Stage("look", ("plan",), look))

    assert replace(examples.release(), plan_sha256="abc") == seen[0] == report.release


def test_events_tell_the_story_in_order(world: World, heard: Heard) -> None:
    """Started, said, ended: each with the name of its stage."""

    def speak(_: Release, world: World) -> Outcome:
        world.say("half way")
        return Outcome("there", status=Status.CACHED)

    run(world, Stage("walk", (), speak), examples.stage("rest", "walk", log=[]), heard=heard)

    assert ["walk started", "walk: half way", "walk cached", "rest started", "rest ok"] == heard.lines


def test_results_stand_in_the_pipeline_s_order_with_virtual_seconds(fakes: Fakes, world: World) -> None:
    """Durations come from the clock, whatever the order of ending was."""

    def four(_: Release, world: World) -> Outcome:
        world.clock.wait(4)
        return Outcome("waited")

    report = run(world, Stage("second", ("first",), four), Stage("first", (), four))

    told = [(r.name, r.duration_s, r.note) for r in report.results]
    assert [("second", 4.0, "waited"), ("first", 4.0, "waited")] == told
    assert 8.0 == report.duration_s == fakes.clock.monotonic()


def test_after_a_failure_nothing_new_starts(world: World) -> None:
    """What needs the failed stage, and what does not, alike."""
    log: list[str] = []

    report = run(
        world,
        examples.stage("lint", log=log, error=GateFailed("lint", "no")),
        examples.stage("other", "lint", log=log),
        examples.stage("more", "other", log=log),
    )

    assert ["lint"] == log
    assert [("lint", Status.FAILED, "no")] == [(r.name, r.status, r.note) for r in report.results]


def test_what_still_runs_is_stopped_and_told_as_skipped(world: World) -> None:
    """A stage cut off by another's failure did not fail by itself."""
    stop = Stop()
    started = threading.Event()

    def fail(_: Release, __: World) -> Outcome:
        assert started.wait(10)
        raise GateFailed("lint", "no")

    def wait(_: Release, __: World) -> Outcome:
        started.set()
        assert stop.event.wait(10)
        raise Interrupted("wait", "asked to stop")

    report = run(world, Stage("lint", (), fail), Stage("build", (), wait), stop=stop)

    assert [Status.FAILED, Status.SKIPPED] == [r.status for r in report.results]
    assert (GateFailed, 10) == (type(report.error), report.error.exit_code if report.error else 0)


def test_listeners_are_reminded_until_every_stage_has_ended(world: World) -> None:
    """A program that a stage starts after the first reminder is stopped by a later one."""
    stop = Stop()
    reminders = threading.Semaphore(0)
    stop.listen(reminders.release)
    heard: list[bool] = []

    def stubborn(_: Release, __: World) -> Outcome:
        heard.extend(reminders.acquire(timeout=3) for _ in range(4))
        raise Interrupted("wait", "asked to stop")

    def fail(_: Release, __: World) -> Outcome:
        raise GateFailed("lint", "no")

    report = run(world, Stage("lint", (), fail), Stage("build", (), stubborn), stop=stop)

    assert ([True] * 4, "stopped") == (heard, report.results[1].note)
    assert stop.event.is_set()


def test_what_is_held_is_given_back_last_and_in_reverse(world: World) -> None:
    """`finish` still sees everything held: the ledger is written under the lease."""
    log: list[str] = []

    def finish(report: Report) -> Report:
        log.append(f"finish {report.verdict}")
        return replace(report, duration_s=1.0)

    stages = (examples.stage("lock", log=log), examples.stage("work", "lock", log=log))
    report = execute(stages, examples.release(), world, Heard(), Stop(), finish)

    assert ["lock", "work", "finish good", "close work", "close lock"] == log
    assert 1.0 == report.duration_s


def test_one_close_that_fails_keeps_no_other_from_closing(world: World, heard: Heard) -> None:
    """A lease that cannot be given back expires by itself; it does not make a good release a bad one."""
    log: list[str] = []
    unreachable = Unreachable("give the lease back", "no answer")
    stages = (examples.stage("lock", log=log), examples.stage("work", "lock", log=log, close_error=unreachable))

    report = execute(stages, examples.release(), world, heard, Stop())

    assert (Verdict.GOOD, ["close work", "close lock"]) == (report.verdict, log[2:])
    assert "work: could not be given back: no answer" == heard.lines[-1]


def test_held_things_are_given_back_when_finish_fails(world: World) -> None:
    """A bug in writing the ledger must not leave the environment locked."""
    log: list[str] = []

    def finish(_: Report) -> Report:
        raise KeyError("ledger")

    with pytest.raises(KeyError):
        execute((examples.stage("lock", log=log),), examples.release(), world, Heard(), Stop(), finish)

    assert ["lock", "close lock"] == log


def test_closing_is_shielded(fakes: Fakes, world: World) -> None:
    """Waits while giving back are not cut off by the stop that led there."""
    during: list[bool] = []
    lock = Stage("lock", (), lambda _, __: Outcome(), close=lambda _: during.append(fakes.clock.shielded))

    run(world, lock, examples.stage("work", "lock", log=[], error=StateUncertain("work", "lost")))

    assert ([True], False) == (during, fakes.clock.shielded)


def test_an_impossible_pipeline_is_refused_before_anything_runs(world: World) -> None:
    """Needs in a circle are our mistake, found at once."""
    log: list[str] = []

    with pytest.raises(ValueError, match="circle"):
        run(world, examples.stage("a", log=log), examples.stage("x", "x", log=log))

    assert [] == log
