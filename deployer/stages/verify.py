"""verify: before tasks or schema are touched, everything the release leans on exists and agrees."""

from __future__ import annotations

from deployer.errors import GateFailed
from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Read the cloud and compare. Raises GateFailed with a line for each problem."""
    problems = world.preflight.problems(release)
    if problems:
        raise GateFailed(
            f"verify {world.environment.name}",
            f"{len(problems)} problem{'s' if len(problems) > 1 else ''}: {problems[0]}",
            "mend these, then deploy again; no task and no schema was touched",
            details=problems,
        )
    return Outcome(f"roles, {len(release.images)} images, secrets, logs, targets and ports agree")


STAGE = Stage("verify", ("push", "apply", "rollback", "lock"), run)
