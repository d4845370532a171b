"""One color, ECS's own rolling update: the backend first, then the frontend.

A new frontend may call what only the new backend offers; the old frontend must live with the new backend anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deployer.errors import DeployError, Interrupted, RolledBack, StateUncertain
from deployer.journal_page import Page
from deployer.model import SERVICES, Color, Outcome, Record, Release, Revision, Verdict
from deployer.ports import World
from deployer.strategies import definitions
from deployer.strategies.colors import give_back
from deployer.verdict import revisions


@dataclass(frozen=True, slots=True)
class Before:
    """What ECS and ELBv2 said before anything was changed; `revisions` holds only services that may be changed."""

    weights: Mapping[Color, int]
    revisions: Mapping[str, Revision]


def place(world: World) -> Color:
    """The color that has the traffic; there is no other one to go to."""
    weights = world.traffic.weights()
    return max(weights, key=lambda color: weights[color])


def settle(world: World, left: Page | None = None) -> str:
    """Both services run one release that is known good, and its color has all traffic.

    ECS ends a rolling update by itself, but nobody has proven what it ends with. So what served before the run that
    `left` is of comes back, or else the newest release that the ledger calls good. Where none is known, all stays.
    """
    color = place(world)
    running = revisions(color, world)
    did = []
    wanted = _good(color, running, left, world)
    for service in reversed(SERVICES):
        now, arn = running[service], wanted.get(service)
        if arn and (now.task_definition, now.rollout, now.running) != (arn, "COMPLETED", now.desired):
            world.lease.check()
            count = now.desired or world.environment.services[service].count
            world.compute.roll_out(service, color, arn, count, world.environment.steady_timeout_s, world.say)
            did.append(f"{service} runs {arn.rsplit('/', 1)[-1]}")
    weights = world.traffic.weights()
    if any(weights.values()) and weights[color] != 100:
        world.lease.check()
        world.traffic.set_weights({color: 100, color.other: 0})
        did.append(f"all traffic to {color}")
    return ", ".join(did)


def _good(color: Color, running: Mapping[str, Revision], left: Page | None, world: World) -> Mapping[str, str]:
    """Task definitions of what is known good: what runs, what ran before, or the newest one; empty when none is."""
    before = {f.service: f for f in left.revisions if f.color is color} if left else {}
    for found in (running, before):
        names = {found[service].release if service in found else "" for service in SERVICES}
        if len(names) == 1 and _is_good(names.pop(), world):
            return {service: found[service].task_definition or "" for service in SERVICES}
    good = (r for r in world.ledger.history() if r.outcome is Verdict.GOOD and set(SERVICES) <= set(r.task_definitions))
    newest = next(good, None)
    return newest.task_definitions if newest else {}


def _is_good(name: str, world: World) -> bool:
    record = world.ledger.find(name) if name else None
    return record is not None and record.outcome is Verdict.GOOD


def restored(record: Record) -> Mapping[str, str]:
    """A release comes back by its own task definitions."""
    return record.task_definitions


def retire(release: Release, world: World) -> str:
    """There is no other color."""
    return ""


def run(release: Release, world: World) -> Outcome:
    """Bring both services to the release's task definitions.

    What runs is asked of ECS, never of the ledger. Raises RolledBack, or Interrupted, after putting back, and
    StateUncertain when putting back failed. What is raised before the first change is raised as it is.
    """
    with ThreadPoolExecutor(2) as pool:
        split, running = pool.submit(world.traffic.weights), pool.submit(revisions, release.color, world)
        arns = definitions.of(release, world)
        weights, before = dict(split.result()), running.result()
    counts = {name: max(before[name].desired, world.environment.services[name].count) for name in SERVICES}
    changed: dict[str, Revision] = {}
    try:
        for service in SERVICES:
            world.lease.check()
            changed[service] = before[service]
            timeout_s = world.environment.steady_timeout_s
            world.compute.roll_out(service, release.color, arns[service], counts[service], timeout_s, world.say)
        world.lease.check()
        _set_weights({release.color: 100, release.color.other: 0}, world)
    except Exception as error:
        if not changed:
            raise
        with world.clock.shield():
            _restore(Before(weights, changed), world, error)
        if not isinstance(error, DeployError) or isinstance(error, Interrupted | StateUncertain):
            raise
        back = next((r.release for r in before.values() if r.release and r.desired), "")
        hint = f"release {back} still serves" if back else "nothing served before; nothing serves now"
        raise RolledBack(error.attempted, error.seen, hint, details=error.details, log=error.log) from error
    note = ", ".join(f"{service} {arns[service].rsplit('/', 1)[-1]}" for service in SERVICES)
    return Outcome(note, {"task_definitions": arns, "counts": counts}, Before(weights, before))


def undo(release: Release, outcome: Outcome, world: World) -> None:
    """Bring back the weights and every revision that ran before, frontend first."""
    assert isinstance(outcome.before, Before)
    _restore(outcome.before, world, None)


def _restore(before: Before, world: World, cause: Exception | None) -> None:
    """Absolute and idempotent: what ECS and ELBv2 said before. Visitors first: weights, then frontend, then backend.

    Stops at the first thing that cannot be put back, since a new frontend must not meet the old backend.
    """
    place = "the traffic"
    try:
        # Whoever took the lease from us owns the environment: putting back would break what they do.
        world.lease.check()
        give_back(before.weights, world, moved=False)
        for service, revision in reversed(list(before.revisions.items())):
            place = f"{service} to {revision.task_definition or 'nothing'}"
            _bring_back(service, revision, world)
    except Exception as failure:
        raise StateUncertain(
            f"put back {place}",
            _seen(failure) + (f" (first failure: {_seen(cause)})" if cause else ""),
            "`inv status` shows what runs; `inv rollback` tries again",
            details=(*_details(failure), *(_details(cause) if cause else ())),
        ) from failure


def _bring_back(service: str, revision: Revision, world: World) -> None:
    if revision.task_definition is None or revision.desired == 0:
        world.compute.scale(service, revision.color, 0)
        return
    world.say(f"putting {service} back to {revision.task_definition.rsplit('/', 1)[-1]}")
    timeout_s = world.environment.steady_timeout_s
    world.compute.roll_out(service, revision.color, revision.task_definition, revision.desired, timeout_s, world.say)


def _set_weights(wanted: Mapping[Color, int], world: World) -> None:
    """One color gets all traffic, whatever was rehearsed before; weights that are all zero forwarded nowhere."""
    current = world.traffic.weights()
    if any(wanted.values()) and any(current.get(color, 0) != weight for color, weight in wanted.items()):
        world.traffic.set_weights(wanted)


def _seen(error: Exception) -> str:
    return error.seen if isinstance(error, DeployError) else repr(error)


def _details(error: Exception) -> tuple[str, ...]:
    return error.details if isinstance(error, DeployError) else ()
