"""apply: exactly the plan that was saved, of this very commit, while it is fresh, after every gate said yes."""

from __future__ import annotations

from datetime import timedelta

from deployer.errors import GateFailed, InputError
from deployer.model import Outcome, Plan, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.stages.plan import summary

FRESH = timedelta(hours=1)
"""How old a plan may be: what it did not see since, nobody has judged. Terraform itself refuses one whose state has
changed; what was changed around Terraform it would not notice."""


def run(release: Release, world: World) -> Outcome:
    """Apply the release's plan.

    Raises GateFailed for a plan of another commit or an old one; ReleaseFailed: what was applied before the failure is
    in Terraform's state.
    """
    if release.plan is None:
        raise InputError("apply the plan", "there is none", "`inv plan --env=…` makes one")
    if release.plan.empty:
        return Outcome("nothing to change", status=Status.SKIPPED)
    _require_current(release.plan, release, world)
    world.lease.check()
    world.infrastructure.apply(release.plan, world.logs / "apply.log", world.say)
    return Outcome(summary(release.plan))


def _require_current(plan: Plan, release: Release, world: World) -> None:
    attempted, again = f"apply the plan {plan.sha256[:12]}", "plan again: inv plan"
    if plan.commit != release.commit:
        seen = f"it is of commit {plan.commit[:12] or 'unknown'}, and this is {release.commit[:12]}"
        raise GateFailed(attempted, seen, again)
    age = world.clock.now() - plan.planned_at if plan.planned_at else None
    if age is None or abs(age) > FRESH:
        when = f"{plan.planned_at:%Y-%m-%d %H:%M:%S}Z" if plan.planned_at else "nobody knows when"
        seen = f"it was made at {when}, more than {FRESH.total_seconds() / 60:.0f} minutes from now"
        raise GateFailed(attempted, seen, again)


STAGE = Stage("apply", ("lint", "test", "scan", "build", "plan", "consent", "record", "lock"), run, stays=True)
