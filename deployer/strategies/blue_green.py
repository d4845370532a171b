"""The idle color comes up beside the live one, is proven through the test listener, and takes the traffic step by step.

Frontend and backend of one color are one unit: a green frontend talks to the green backend alone (color-pinned
internal listeners), so the traffic moves at one place, the public listener. The old color stays at full capacity until
the whole release is proven; the stage `retire` scales it down. Whatever goes wrong after green got its first request:
weights back first, then the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from deployer.errors import DeployError, GateFailed, Interrupted, RolledBack, StateUncertain
from deployer.model import SERVICES, Color, Outcome, Record, Release, Revision, Step
from deployer.ports import World
from deployer.strategies import capacity, definitions, gate_watch
from deployer.strategies.colors import give_back, place, settle, words
from deployer.strategies.gate_watch import Watch
from deployer.strategies.leave import scale_down
from deployer.verdict import doubts, last_words, revisions

__all__ = ["place", "restored", "retire", "run", "settle", "undo"]
LOOK_EVERY_S = 1.0
KNOWN_WITHIN_S = 2.0
"""How long visitors wait for the answer whether the color that gets them back still runs."""


@dataclass(frozen=True, slots=True)
class Before:
    """What ELBv2 and ECS said before anything was changed: `idle` in the release's color, `serving` in the other."""

    weights: Mapping[Color, int]
    idle: Mapping[str, Revision]
    serving: Mapping[str, Revision]


def restored(record: Record) -> Mapping[str, str]:
    """Task definitions name their color: a release that comes back is described anew, by its images' digests."""
    return {}


def run(release: Release, world: World) -> Outcome:
    """Bring the release up in its color, prove it there, move the traffic.

    Raises RolledBack, or Interrupted, after putting back, and StateUncertain when putting back failed.
    """
    color = release.color
    with ThreadPoolExecutor(3) as pool:
        split = pool.submit(world.traffic.weights)
        here, there = (pool.submit(revisions, each, world) for each in (color, color.other))
        before = Before(dict(split.result()), here.result(), there.result())
        served = {name: revision.desired for name, revision in before.serving.items()}
    warm = release.kind == "rollback" and _is_warm(release, before.idle, served)
    arns = _running(before.idle) if warm else definitions.of(release, world)
    counts = _counts(before.idle, served, world, warm=warm)
    new, moved = replace(release, task_definitions=arns, counts=counts), False
    try:
        if not warm:
            capacity.hold(color.other, served, world)
            _bring_up(new, before.idle, world)
            capacity.hold(color, counts, world)
            _prove(new, world)
        first = not any(served.values())
        if first:
            world.say("the first release: nothing serves that it could be compared with")
        # What is warm was proven under these very figures: nothing may keep visitors from it, or take them away again.
        watch = None if warm else Watch(new, world, alone=first, ignored=gate_watch.accepted(release, world))
        if watch and not first:
            _hold({color: 0, color.other: 100}, 0.0, new, world, watch)
        for step in _steps(release, world, at_once=first or warm):
            moved = True
            _shift(step, new, world, watch)
    except Exception as error:
        with world.clock.shield():
            words = _restore(before, new, world, error, moved=moved)
        if not isinstance(error, DeployError) or isinstance(error, Interrupted | StateUncertain):
            raise
        hint = (
            f"{color.other} serves as before" if any(served.values()) else "nothing served before; nothing serves now"
        )
        raise RolledBack(error.attempted, error.seen, hint, details=error.details + words, log=error.log) from error
    return Outcome(f"{color} has all traffic", {"task_definitions": arns, "counts": counts}, before)


def _counts(idle: Mapping[str, Revision], served: Mapping[str, int], world: World, *, warm: bool) -> Mapping[str, int]:
    """How many tasks the release has to have: what serves now or more, as many as run where it is warm."""
    if warm:
        return {service: runs.desired for service, runs in idle.items()}
    return {service: max(served[service], world.environment.services[service].count) for service in SERVICES}


def _is_warm(release: Release, idle: Mapping[str, Revision], served: Mapping[str, int]) -> bool:
    """Whether the color runs this very release, proven once, at the capacity that serves: it only lacks the traffic."""
    return all(
        (runs.release, runs.rollout, runs.running) == (release.serves, "COMPLETED", runs.desired)
        and runs.digest == release.images[service].digest
        and runs.running >= max(1, served[service])
        for service, runs in idle.items()
    )


def _running(idle: Mapping[str, Revision]) -> Mapping[str, str]:
    return {service: runs.task_definition for service, runs in idle.items() if runs.task_definition}


def _steps(release: Release, world: World, *, at_once: bool) -> tuple[Step, ...]:
    """The environment's steps; the last one alone for who wants it fast; no waiting where that proves nothing."""
    if at_once:
        return (Step(100, 0),)
    return world.environment.steps[-1:] if release.fast else world.environment.steps


def undo(release: Release, outcome: Outcome, world: World) -> None:
    """All traffic back to the color that had it, which still runs; then the release's color is idle again."""
    assert isinstance(outcome.before, Before)
    _restore(outcome.before, release, world, None, moved=True)


def retire(release: Release, world: World) -> str:
    """Scale the old color down and let the test listener lead there: it is the idle one now."""
    world.lease.check()
    old = release.color.other
    scale_down(old, world)
    world.traffic.point_test(old)
    capacity.free(release.color, world)
    return f"{old} is idle"


def _bring_up(release: Release, idle: Mapping[str, Revision], world: World) -> None:
    """Both services at once, to the capacity that serves now or more: no visitor is there yet who could meet half."""
    world.lease.check()
    timeout_s = world.environment.steady_timeout_s

    def bring_up(service: str) -> None:
        arn, runs, count = release.task_definitions[service], idle[service], release.counts[service]
        if (runs.task_definition, runs.running, runs.rollout) == (arn, count, "COMPLETED"):
            return
        world.compute.roll_out(service, release.color, arn, count, timeout_s, world.say)

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        list(pool.map(bring_up, SERVICES))


def _prove(release: Release, world: World) -> None:
    """Through the test listener, before any visitor is sent there."""
    world.lease.check()
    world.traffic.point_test(release.color)
    found = doubts(release, world)
    if found:
        raise GateFailed(f"prove {release.color}", found[0], "no visitor was sent there", details=found)
    seen = world.probe.version(idle=True).get("release", "nothing")
    if seen != release.serves:
        raise GateFailed(f"prove {release.color}", f"its test listener answers as release {seen}, not {release.serves}")
    world.say(world.probe.smoke(release.serves, world.say, world.logs / "smoke-idle.log", idle=True))


def _shift(step: Step, release: Release, world: World, watch: Watch | None) -> None:
    """Give the new color its share, then hold it there for the step's bake time, looking all the while."""
    wanted = {release.color: step.weight_percent, release.color.other: 100 - step.weight_percent}
    world.lease.check()
    world.traffic.set_weights(wanted)
    bake_s = step.bake_s * world.environment.bake_factor
    world.say(f"{words(wanted)}, for {bake_s:.0f} s")
    _hold(wanted, bake_s, release, world, watch)


def _hold(
    wanted: Mapping[Color, int], bake_s: float, release: Release, world: World, watch: Watch | None = None
) -> None:
    """Stay at this split until its bake time is over and the gates say yes. Raises GateFailed when they say no."""
    if watch is None:
        return _look(release, wanted, world)
    watch.open(wanted, bake_s)
    while True:
        _look(release, wanted, world)
        if watch.passed():
            return None
        world.clock.wait(LOOK_EVERY_S)


def _look(release: Release, wanted: Mapping[Color, int], world: World) -> None:
    world.lease.check()
    attempted = f"hold {words(wanted)}"
    seen = world.traffic.weights()
    if dict(seen) != dict(wanted):
        raise GateFailed(attempted, f"the listener says {words(seen)}: somebody else changes it")
    found = doubts(release, world)
    if found:
        raise GateFailed(attempted, found[0], details=found)


def _restore(
    before: Before, release: Release, world: World, cause: Exception | None, *, moved: bool
) -> tuple[str, ...]:
    """Absolute and idempotent. Visitors first: the weights. Then why its tasks stopped, and then they go.

    Returns what explains the `cause` beyond its own details.
    """
    did, color = "put back the traffic", release.color
    try:
        # Whoever took the lease from us owns the environment: putting back would break what they do.
        world.lease.check()
        if moved:
            _stand_up(before, color.other, world)
        give_back(before.weights, world, moved=moved)
        words = _explained(cause, release, world)
        did = f"scale {color} down"
        scale_down(color, world)
        capacity.free(color.other, world)
    except Exception as failure:
        seen = failure.seen if isinstance(failure, DeployError) else repr(failure)
        first = f" (first failure: {cause})" if cause else ""
        details = failure.details if isinstance(failure, DeployError) else ()
        hint = "`inv status` shows what runs; `inv rollback` tries again"
        raise StateUncertain(did, f"{seen}{first}", hint, details=details) from failure
    return words


def _stand_up(before: Before, color: Color, world: World) -> None:
    """Whatever scaled down what served before: no visitor is given to a color that runs nothing. Normally it runs."""
    pool = ThreadPoolExecutor(1)
    try:
        now = pool.submit(revisions, color, world).result(KNOWN_WITHIN_S)
    except (DeployError, TimeoutError):
        return  # it ran when last seen: visitors do not wait for ECS
    finally:
        pool.shutdown(wait=False)
    for service, was in before.serving.items():
        if was.desired and was.task_definition and not (now[service].desired and now[service].running):
            timeout_s = world.environment.steady_timeout_s
            world.say(f"{service} {color} does not run any more: it is brought up before visitors go back to it")
            world.compute.roll_out(service, color, was.task_definition, was.desired, timeout_s, world.say)


def _explained(cause: Exception | None, release: Release, world: World) -> tuple[str, ...]:
    if not isinstance(cause, DeployError) or isinstance(cause, Interrupted):
        return ()
    return last_words(release, world, cause.details)
