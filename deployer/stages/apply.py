"""apply: exactly the plan that was saved, after every gate said yes."""

from __future__ import annotations

from deployer.errors import InputError
from deployer.model import Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.stages.plan import summary


def run(release: Release, world: World) -> Outcome:
    """Apply the release's plan. Raises ReleaseFailed; what was applied before the failure is in Terraform's state."""
    if release.plan is None:
        raise InputError("apply the plan", "there is none", "`inv plan --env=…` makes one")
    if release.plan.empty:
        return Outcome("nothing to change", status=Status.SKIPPED)
    world.lease.check()
    world.infrastructure.apply(release.plan, world.logs / "apply.log", world.say)
    return Outcome(summary(release.plan))


STAGE = Stage("apply", ("lint", "test", "scan", "build", "plan", "record", "lock"), run, stays=True)
