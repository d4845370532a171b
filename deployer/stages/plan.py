"""plan: what Terraform would change, saved, with its SHA-256."""

from __future__ import annotations

from deployer.changes import brief
from deployer.model import Outcome, Plan, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World


def summary(plan: Plan) -> str:
    """`no changes`, or `3 create, 1 update`."""
    counts: dict[str, int] = {}
    for change in plan.changes:
        counts[change.action] = counts.get(change.action, 0) + 1
    return ", ".join(f"{count} {action}" for action, count in counts.items()) or "no changes"


def run(release: Release, world: World) -> Outcome:
    """Plan the environment and save the plan, or find that nothing it is made from has changed since a clean one.

    Raises GateFailed, Locked.
    """
    known = world.infrastructure.unchanged()
    if known is not None:
        when = f"{known.planned_at:%Y-%m-%d %H:%M:%S}Z" if known.planned_at else "before"
        note = f"no changes: configuration and state are those of the plan of {when}"
        return Outcome(note, {"plan": known, "plan_sha256": known.sha256}, status=Status.CACHED)
    world.infrastructure.prepare(world.say)
    plan = world.infrastructure.plan(release.commit, world.logs / "plan.log", world.say)
    for line in brief(plan.changes):
        world.say(line)
    return Outcome(summary(plan), {"plan": plan, "plan_sha256": plan.sha256})


STAGE = Stage("plan", ("lock",), run)
