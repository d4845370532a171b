"""plan: what Terraform would change, saved, with its SHA-256."""

from __future__ import annotations

from deployer.model import Outcome, Plan, Release
from deployer.pipeline import Stage
from deployer.ports import World


def summary(plan: Plan) -> str:
    """`no changes`, or `3 create, 1 update`."""
    counts: dict[str, int] = {}
    for action, _ in plan.changes:
        counts[action] = counts.get(action, 0) + 1
    return ", ".join(f"{count} {action}" for action, count in counts.items()) or "no changes"


def run(release: Release, world: World) -> Outcome:
    """Plan the environment and save the plan. Raises GateFailed, Locked."""
    world.infrastructure.prepare(world.say)
    plan = world.infrastructure.plan(world.logs / "plan.log", world.say)
    return Outcome(summary(plan), {"plan": plan, "plan_sha256": plan.sha256})


STAGE = Stage("plan", ("lock",), run)
