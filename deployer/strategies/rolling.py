"""One color, ECS's own rolling update: the backend first, then the frontend.

A new frontend may call what only the new backend offers; the old frontend must live with the new backend anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

from deployer.errors import DeployError, Interrupted, RolledBack, StateUncertain
from deployer.model import SERVICES, Color, Outcome, Release, Revision
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Bring both services to the release's task definitions.

    What runs is asked of ECS, never of the ledger. Raises RolledBack, or Interrupted, after putting back; StateUncertain
    when putting back failed.
    """
    before = {service: world.compute.live(service, release.color) for service in SERVICES}
    arns = dict(release.task_definitions)
    changed: dict[str, Revision] = {}
    try:
        for service in SERVICES:
            world.lease.check()
            if service not in arns:
                reference = world.registry.reference(release.images[service])
                arns[service] = world.compute.register(release, service, reference)
            changed[service] = before[service]
            count = max(before[service].desired, world.environment.services[service].count)
            world.compute.roll_out(
                service, release.color, arns[service], count, world.environment.steady_timeout_s, world.say
            )
        _all_traffic(release.color, world)
    except DeployError as error:
        with world.clock.shield():
            _restore(changed, world, error)
        if isinstance(error, Interrupted | StateUncertain):
            raise
        back = next((r.release for r in before.values() if r.release and r.desired), "")
        hint = f"release {back} still serves" if back else "nothing served before; nothing serves now"
        raise RolledBack(error.attempted, error.seen, hint, details=error.details, log=error.log) from error
    return Outcome(
        ", ".join(f"{service} {arns[service].rsplit('/', 1)[-1]}" for service in SERVICES),
        {"task_definitions": arns},
        before,
    )


def undo(release: Release, outcome: Outcome, world: World) -> None:
    """Bring back every revision that ran before, frontend first."""
    before = outcome.before
    assert isinstance(before, Mapping)
    _restore(before, world, None)


def _restore(before: Mapping[str, Revision], world: World, cause: DeployError | None) -> None:
    """Absolute and idempotent: each service runs what ECS said it ran before."""
    for service, revision in reversed(list(before.items())):
        try:
            if revision.task_definition is None or revision.desired == 0:
                world.compute.scale(service, revision.color, 0)
                continue
            world.say(f"putting {service} back to {revision.task_definition.rsplit('/', 1)[-1]}")
            timeout_s = world.environment.steady_timeout_s
            world.compute.roll_out(
                service, revision.color, revision.task_definition, revision.desired, timeout_s, world.say
            )
        except DeployError as failure:
            raise StateUncertain(
                f"put {service} back to {revision.task_definition or 'nothing'}",
                f"{failure.seen}" + (f" (first failure: {cause.seen})" if cause else ""),
                "`inv status` shows what runs; `inv rollback` tries again",
                details=(*failure.details, *(cause.details if cause else ())),
            ) from failure


def _all_traffic(color: Color, world: World) -> None:
    """A rolling environment has one color: the listener points all of it there, whatever was rehearsed before."""
    if world.traffic.weights().get(color) != 100:
        world.traffic.set_weights({color: 100, color.other: 0})
